package flow

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var (
	seedFlag = flag.Uint64("seed", 0, "run the simulations with this seed only")
	rounds   = flag.Int("rounds", 60, "how many seeds each simulation runs")
)

// seeds are those of one run of a simulation.
func seeds() []uint64 {
	if *seedFlag != 0 {
		return []uint64{*seedFlag}
	}
	all := make([]uint64, *rounds)
	for i := range all {
		all[i] = uint64(i + 1)
	}
	return all
}

// event is something that happens at a time.
type event struct {
	at  time.Time
	n   int // breaks ties, so that a run can be repeated
	act func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// world is a virtual clock and a network that loses, doubles, delays and so
// reorders what it is given, until it is told to be calm.
type world struct {
	t      *testing.T
	seed   uint64
	r      *rand.Rand
	now    time.Time
	events events
	n      int
	calm   bool
	log    []string
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_000_000, 0)}
}

func (w *world) after(d time.Duration, act func()) {
	w.n++
	heap.Push(&w.events, event{w.now.Add(d), w.n, act})
}

// send carries something to where act happens.
func (w *world) send(act func()) {
	copies := 1
	if !w.calm {
		switch w.r.IntN(10) {
		case 0, 1:
			copies = 0
		case 2:
			copies = 2
		}
	}
	for range copies {
		d := time.Millisecond
		if !w.calm {
			d = time.Duration(w.r.IntN(200)) * time.Millisecond
			if w.r.IntN(50) == 0 {
				d = time.Duration(w.r.IntN(20)) * time.Second
			}
		}
		w.after(d, act)
	}
}

func (w *world) note(format string, args ...any) {
	if len(w.log) > 400 {
		w.log = w.log[100:]
	}
	w.log = append(w.log, fmt.Sprintf("%8.3f ", w.now.Sub(time.Unix(1_000_000, 0)).Seconds())+fmt.Sprintf(format, args...))
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, l := range w.log {
		w.t.Log(l)
	}
	w.t.Fatalf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

// run lets events happen until the time has come; check runs after each.
func (w *world) run(until time.Time, check func()) {
	for len(w.events) > 0 && !w.events[0].at.After(until) {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.act()
		check()
	}
	w.now = until
}

// station is a consumer with its application, which may be killed and comes back
// with a new session.
type station struct {
	w       *world
	name    string
	c       *Consumer
	life    int
	session uint64
	window  uint64
	seen    map[string]uint64 // in this life: producer/stream → highest number
	done    map[string]int    // payload → how often the application was done with it
	pending []hold
	reply   func(Ack)
}

// hold is a message in the application's hands.
type hold struct {
	producer    string
	stream, seq uint64
	payload     string
}

func newStation(w *world, name string, window uint64, reply func(Ack)) *station {
	s := &station{w: w, name: name, window: window, session: 1, done: make(map[string]int), reply: reply}
	s.restart()
	return s
}

func (s *station) restart() {
	s.life++
	if s.w.r.IntN(5) > 0 { // chance may draw the same session again
		s.session = 1 + s.w.r.Uint64N(1<<40)
	}
	s.w.note("%s begins life %d with session %d", s.name, s.life, s.session)
	s.c = NewConsumer(s.session, Limits{Window: s.window, Producers: 4, Forget: time.Minute})
	s.seen, s.pending = make(map[string]uint64), nil
}

func (s *station) take(l Letter) {
	take, err := s.c.Letter(s.w.now, l)
	s.w.note("%s gets %d base %d: %v %v", s.name, l.Seq, l.Base, take, err)
	if take {
		s.hold(l)
	}
	s.acks()
}

// hold checks that a living consumer sees each number once and in order.
func (s *station) hold(l Letter) {
	key := fmt.Sprint(l.Producer, "/", l.Stream)
	if l.Seq <= s.seen[key] {
		s.w.fail("%s: %d of %s after %d", s.name, l.Seq, key, s.seen[key])
	}
	s.seen[key] = l.Seq
	s.pending = append(s.pending, hold{l.Producer, l.Stream, l.Seq, string(l.Payload)})
	if n := uint64(len(s.pending)); n > s.window {
		s.w.fail("%s: %d messages in hand, window %d", s.name, n, s.window)
	}
	life := s.life
	s.w.after(time.Duration(s.w.r.IntN(300))*time.Millisecond, func() {
		if s.life == life {
			s.confirmOne()
		}
	})
}

// confirmOne is done with any message in hand.
func (s *station) confirmOne() {
	if len(s.pending) == 0 {
		return
	}
	i := s.w.r.IntN(len(s.pending))
	h := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	s.done[h.payload]++
	s.w.note("%s is done with %s", s.name, h.payload)
	s.c.Confirm(h.producer, h.stream, h.seq)
	s.acks()
}

func (s *station) acks() {
	owes, urgent := s.c.Owes()
	if !owes || !urgent && s.w.r.IntN(2) == 0 {
		if owes {
			life := s.life
			s.w.after(time.Millisecond, func() {
				if s.life == life {
					s.flush()
				}
			})
		}
		return
	}
	s.flush()
}

func (s *station) flush() {
	for _, a := range s.c.Acks() {
		s.w.note("%s acks session %d received %d confirmed %d up to %d resend %v", s.name, a.Session, a.Received, a.Confirmed, a.UpTo, a.Resend)
		s.w.send(func() { s.reply(a) })
	}
}

var timing = Timing{Resend: time.Second, ResendMax: 30 * time.Second}

// depot is a producer whose queue survives it, with the name that it has for ever.
type depot struct {
	w        *world
	p        *Producer
	epoch    uint64
	stream   uint64
	stored   [][]byte // by number from first on
	first    uint64
	offered  int
	accepted map[string]bool
	to       *station
	wake     time.Time
}

func (d *depot) restart() {
	d.epoch++
	d.w.note("producer begins epoch %d with base %d", d.epoch, d.first)
	d.p = NewProducer("p", d.stream, d.epoch, d.first, timing)
	for _, m := range d.stored {
		d.p.Offer(d.w.now, m)
	}
	d.ready()
}

func (d *depot) offer() {
	const limit = 40
	if len(d.stored) >= limit {
		return
	}
	d.offered++
	text := fmt.Sprint("m", d.offered)
	d.stored = append(d.stored, []byte(text))
	d.accepted[text] = true
	if got, want := d.p.Offer(d.w.now, []byte(text)), d.first+uint64(len(d.stored))-1; got != want {
		d.w.fail("offer got number %d, want %d", got, want)
	}
	d.ready()
}

func (d *depot) ack(a Ack) {
	err := d.p.Ack(d.w.now, a)
	d.w.note("producer takes the ack: %v", err)
	for d.first < d.p.Base() {
		text := string(d.stored[0])
		if d.to.done[text] == 0 {
			d.w.fail("%s is confirmed and nobody was done with it", text)
		}
		d.stored, d.first = d.stored[1:], d.first+1
	}
	d.ready()
}

func (d *depot) ready() {
	letters, wake := d.p.Ready()
	for _, l := range letters {
		d.w.note("producer sends %d base %d", l.Seq, l.Base)
		d.w.send(func() { d.to.take(l) })
	}
	if !wake.IsZero() && !wake.Equal(d.wake) {
		d.wake = wake
		d.w.after(max(0, wake.Sub(d.w.now)), func() {
			d.p.Tick(d.w.now)
			d.ready()
		})
	}
	if wake.IsZero() && len(d.stored) > 0 {
		d.w.fail("%d messages are unconfirmed and no timer runs", len(d.stored))
	}
}

// TestPointToPoint: whatever the network and the restarts of either side do, a
// consumer that lives sees each message once and in order, nothing is confirmed
// that nobody was done with, and at last everything is confirmed.
func TestPointToPoint(t *testing.T) {
	for _, seed := range seeds() {
		w := newWorld(t, seed)
		d := &depot{w: w, stream: 7, first: 1, accepted: make(map[string]bool)}
		d.to = newStation(w, "consumer", uint64(1+w.r.IntN(20)), func(a Ack) { d.ack(a) })
		d.restart()
		for range 400 {
			switch n := w.r.IntN(40); {
			case n == 0:
				d.to.restart()
			case n == 1:
				d.restart()
			default:
				for range w.r.IntN(4) {
					d.offer()
				}
			}
			w.run(w.now.Add(time.Duration(w.r.IntN(300))*time.Millisecond), func() {})
		}
		w.calm = true
		w.run(w.now.Add(5*time.Minute), func() {})
		if len(d.stored) > 0 {
			w.fail("%d messages are unconfirmed after five calm minutes", len(d.stored))
		}
		for text := range d.accepted { // order: each is checked
			if d.to.done[text] == 0 {
				w.fail("%s was accepted and never delivered", text)
			}
		}
	}
}

// TestPool: the same for one backlog and workers that come, restart and are
// removed. A message that no worker was taken from is done once.
func TestPool(t *testing.T) {
	for _, seed := range seeds() {
		w := newWorld(t, seed)
		s := newYard(w)
		for range 300 {
			s.step()
			w.run(w.now.Add(time.Duration(w.r.IntN(300))*time.Millisecond), s.check)
		}
		w.calm = true
		if len(s.workers) == 0 {
			s.add()
		}
		w.run(w.now.Add(10*time.Minute), s.check)
		if open := s.offered - s.confirmed; open != 0 {
			w.fail("%d messages are unconfirmed after ten calm minutes", open)
		}
		if got, want := s.pool.Done(), uint64(s.offered); got != want {
			w.fail("done up to %d, want %d", got, want)
		}
		for i := range s.offered {
			text := fmt.Sprint("m", i+1)
			n := s.doneBy(text)
			if n == 0 {
				w.fail("%s was never done", text)
			}
			if n > 1+s.losses {
				w.fail("%s was done %d times with %d workers lost", text, n, s.losses)
			}
		}
	}
}

// yard is a pool and its workers.
type yard struct {
	w         *world
	pool      *Pool
	workers   map[string]*station
	all       []*station
	offered   int
	confirmed int
	losses    int // workers removed or restarted
	wake      time.Time
}

func newYard(w *world) *yard {
	s := &yard{w: w, pool: NewPool("pool", 100, 1, timing), workers: make(map[string]*station)}
	s.add()
	return s
}

func (s *yard) names() []string {
	var names []string
	for name := range s.workers { // order: sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *yard) add() {
	name := fmt.Sprint("w", len(s.all))
	st := newStation(s.w, name, uint64(1+s.w.r.IntN(5)), func(a Ack) { s.ack(a) })
	s.workers[name], s.all = st, append(s.all, st)
	s.pool.Add(s.w.now, name)
	s.ready()
}

func (s *yard) step() {
	names := s.names()
	switch n := s.w.r.IntN(40); {
	case n == 0 && len(names) < 5:
		s.add()
	case n == 1 && len(names) > 0:
		s.losses++
		name := names[s.w.r.IntN(len(names))]
		s.w.note("%s is removed", name)
		delete(s.workers, name)
		s.pool.Remove(s.w.now, name)
		s.ready()
	case n == 2 && len(names) > 0:
		s.losses++
		s.workers[names[s.w.r.IntN(len(names))]].restart()
	case s.offered-s.confirmed < 50:
		s.offered++
		s.pool.Offer(s.w.now, fmt.Append(nil, "m", s.offered))
		s.ready()
	}
}

func (s *yard) ack(a Ack) {
	_ = s.pool.Ack(s.w.now, a) // of a worker that was removed
	s.ready()
}

func (s *yard) ready() {
	out, confirmed, wake := s.pool.Ready()
	s.confirmed += confirmed
	for _, d := range out {
		s.w.note("pool sends %s number %d base %d to %s", d.Letter.Payload, d.Letter.Seq, d.Letter.Base, d.Worker)
		s.w.send(func() {
			if st := s.workers[d.Worker]; st != nil {
				st.take(d.Letter)
			}
		})
	}
	if !wake.IsZero() && !wake.Equal(s.wake) {
		s.wake = wake
		s.w.after(max(0, wake.Sub(s.w.now)), func() {
			s.pool.Tick(s.w.now)
			s.ready()
		})
	}
}

func (s *yard) doneBy(text string) int {
	n := 0
	for _, st := range s.all {
		n += st.done[text]
	}
	return n
}

// check holds after every event.
func (s *yard) check() {
	held := len(s.pool.backlog)
	for _, l := range s.pool.lanes {
		if len(l.seqs) != len(l.p.Unconfirmed()) {
			s.w.fail("%s: %d numbers for %d messages", l.key, len(l.seqs), len(l.p.Unconfirmed()))
		}
		held += len(l.seqs)
	}
	if open := s.offered - s.confirmed; held != open {
		s.w.fail("%d messages are held, %d are unconfirmed", held, open)
	}
}
