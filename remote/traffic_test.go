package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
	"github.com/pando-go/pando/remote/memnet"
)

var (
	inputs = flag.Int("inputs", 2000, "how many mutated sessions TestMutatedTraffic feeds to a node")
	start  = flag.Uint64("from", 1, "the seed of the first of them")
	update = flag.Bool("update", false, "record the sessions of testdata anew")
)

// The captures of testdata: what each side of a connection wrote in a real
// session, from the first byte on.
var captures = []string{"user.dialled", "user.answered", "control.dialled", "control.answered"}

func loadCaptures(t testing.TB) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, name := range captures {
		b, err := os.ReadFile(filepath.Join("testdata", "session", name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = b
	}
	return all
}

// wiretap records both directions of the connections that a node dials.
type wiretap struct {
	mu   sync.Mutex
	logs map[net.Conn]*[2][]byte // written by the side that dialled, and by the other
}

type tapped struct {
	net.Conn
	w *wiretap
}

func (c *tapped) Write(b []byte) (int, error) { c.w.add(c, 0, b); return c.Conn.Write(b) }

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.w.add(c, 1, b[:n])
	return n, err
}

func (w *wiretap) add(c net.Conn, side int, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logs[c] == nil {
		w.logs[c] = new([2][]byte)
	}
	w.logs[c][side] = append(w.logs[c][side], b...)
}

func (w *wiretap) dialer(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return &tapped{conn, w}, nil
	}
}

// TestSessionIsRecorded runs one session of every kind of message and, with
// -update, writes it to testdata. That the recorded ones are still understood is
// the next test's concern.
func TestSessionIsRecorded(t *testing.T) {
	bubble(t, func(c *cluster) {
		w := &wiretap{logs: make(map[net.Conn]*[2][]byte)}
		a := c.start("a:1", 1, func(cfg *Config) { cfg.Dial, cfg.UserLanes = w.dialer(c.Dialer("a:1")), 1 })
		b := c.start("b:1", 2)
		b.onSpawn = func(kind, id, name string) (*pa.PID, error) {
			if kind != "mayfly" {
				return nil, actor.ErrUnknownKind
			}
			return b.pid("mayfly/" + name), nil
		}
		for _, msg := range []any{"text", []byte("bytes"), wrapperspb.String("proto"), hello()} {
			a.tell(b.pid("box"), msg)
			a.proto.Root.Send(b.pid("box#2"), &pa.MessageEnvelope{Message: msg, Sender: a.pid("$ask/1")})
			a.proto.Root.Send(b.pid("nobody"), &pa.MessageEnvelope{Message: msg, Sender: &pa.PID{Address: "c:1", Id: "x"}})
		}
		synctest.Wait()
		a.tell(b.pid("box"), "again")
		a.proto.Root.Send(b.pid("box"), &pa.MessageEnvelope{
			Message: strings.Repeat("x", chunkBytes), Header: map[string]string{"traceparent": "00-1-2-01"},
		})
		for range 3 {
			a.r.Post(Node{"b:1", 2}, "svc", []byte("payload"))
		}
		watcher := a.proto.Root.Spawn(pa.PropsFromFunc(func(x pa.Context) {
			if _, ok := x.Message().(*pa.Started); ok {
				x.Watch(b.pid("box"))
				x.Watch(b.pid("nobody"))
				x.Unwatch(b.pid("box"))
			}
		}))
		for _, kind := range []string{"mayfly", "unknown"} {
			a.r.spawn(c.t.Context(), "b:1", kind, "id", "name")
		}
		a.proto.Root.Stop(b.pid("nobody"))
		synctest.Wait()
		a.proto.Root.Stop(watcher)
		time.Sleep(2 * ackDelay) // for the acknowledgements
		w.mu.Lock()
		defer w.mu.Unlock()
		seen := make(map[string]bool)
		for _, log := range w.logs { // order: each goes to a file of its own
			name := "control"
			if laneOf(c.t, log[0]) == remotepb.Lane_LANE_USER {
				name = "user"
			}
			for side, suffix := range []string{".dialled", ".answered"} {
				seen[name+suffix] = len(log[side]) > len(wire.Magic)
				if *update {
					write(t, filepath.Join("testdata", "session", name+suffix), log[side])
				}
			}
		}
		for _, name := range captures {
			if !seen[name] {
				t.Errorf("got nothing of %s", name)
			}
		}
	})
}

// laneOf returns the lane that a session's hello names.
func laneOf(t *testing.T, session []byte) remotepb.Lane {
	t.Helper()
	r := wire.NewReader(bytes.NewReader(session))
	if err := r.Magic(); err != nil {
		t.Fatal(err)
	}
	k, body, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	h, err := wire.ParseHello(k, body)
	if err != nil {
		t.Fatal(err)
	}
	return h.Lane
}

// TestRecordedSessionIsUnderstood: what an earlier build wrote is still taken.
func TestRecordedSessionIsUnderstood(t *testing.T) {
	all := loadCaptures(t)
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2)
		got := 0
		b.sink = func(mail) { got++ }
		log := b.handle("svc")
		b.onSpawn = func(string, string, string) (*pa.PID, error) { return b.pid("x"), nil }
		for _, name := range []string{"user.dialled", "control.dialled"} {
			conn := c.raw(b)
			conn.Write(all[name])
			synctest.Wait()
			conn.Close()
		}
		posts, _ := log.take()
		if s := b.r.Stats(); got != 14 || len(posts) != 3 || s.Malformed != 0 {
			t.Errorf("got %d messages, posts %q, %+v, want 14, 3 and nothing malformed", got, posts, s)
		}
	})
}

// victim is a real node that strangers talk to. What it hosts is exposed.
type victim struct {
	*memnet.Network
	t   testing.TB
	sys *actor.System
	r   *Remote
}

func newVictim(t testing.TB, change ...func(*Config)) *victim {
	t.Helper()
	v := &victim{Network: memnet.New(), t: t}
	quiet := slog.New(slog.DiscardHandler)
	var err error
	v.sys, err = actor.NewSystem(actor.Config{Name: "test", Address: "b:1", UID: 2, Small: true, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	mayfly := actor.NewKind("mayfly", func(string) actor.Behavior[any] { return dying{} })
	if err := v.sys.Register(mayfly); err != nil {
		t.Fatal(err)
	}
	if _, err := actor.Spawn(v.sys, "box", actor.Func(func(c *actor.Context[any], m any) error { return nil })); err != nil {
		t.Fatal(err)
	}
	ln, err := v.Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Dial: v.Dialer("b:1"), Expose: []string{"*"}, Logger: quiet,
		MaxPeers: 64, MaxWatches: 100, QueueBytes: 5 << 20, MaxMessage: 1 << 20,
	}
	for _, f := range change {
		f(&cfg)
	}
	if v.r, err = Listen(v.sys, ln, cfg); err != nil {
		t.Fatal(err)
	}
	v.r.Handle("svc", Service{Receive: func(Node, []byte) {}})
	return v
}

// dying is an actor that stops as soon as it has started.
type dying struct{}

func (dying) Started(c *actor.Context[any]) error    { c.Stop(); return nil }
func (dying) Receive(*actor.Context[any], any) error { return nil }

func (v *victim) close() {
	v.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v.r.Close(ctx)
	if err := v.sys.Close(context.Background()); err != nil {
		v.t.Error(err)
	}
}

// hear feeds bytes to a connection that a stranger opened.
func (v *victim) hear(in []byte) {
	v.t.Helper()
	conn, err := v.Dial(context.Background(), "raw:1", "b:1")
	if err != nil {
		v.t.Fatal(err)
	}
	conn.SetWriteDeadline(time.Now().Add(time.Second)) // it may have been closed
	conn.Write(in)
	synctest.Wait()
	conn.Close()
}

// call makes the node dial a stranger at an address, who answers with bytes, the
// second part after the node has gone on.
func (v *victim) call(ln net.Listener, address string, first, second []byte) {
	v.t.Helper()
	to := &pa.PID{Address: address, Id: "x"}
	v.sys.Proto().Root.Send(to, "message")
	v.sys.Proto().Root.Stop(to)
	conn, err := ln.Accept()
	if err != nil {
		v.t.Fatal(err)
	}
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	conn.Write(first)
	synctest.Wait()
	conn.Write(second)
	synctest.Wait()
	conn.Close()
}

// mutant changes bytes, lengths and the order of frames of a session.
type mutant struct{ *rand.Rand }

func (m mutant) of(in []byte) []byte {
	out := bytes.Clone(in)
	if m.IntN(3) == 0 {
		out = m.frames(out)
	}
	for range m.IntN(5) {
		if len(out) == 0 {
			break
		}
		i := m.IntN(len(out))
		switch m.IntN(6) {
		case 0:
			out[i] ^= 1 << m.IntN(8)
		case 1:
			out[i] = byte(m.Uint32())
		case 2:
			out = out[:i+1]
		case 3:
			j := i + m.IntN(len(out)-i)
			out = append(out[:j:j], out[i:]...) // a piece twice
		case 4:
			if i+4 <= len(out) {
				binary.BigEndian.PutUint32(out[i:], m.Uint32()>>m.IntN(32))
			}
		case 5:
			out = append(out[:i:i], out[min(len(out), i+1+m.IntN(8)):]...) // a hole
		}
	}
	return out
}

// frames drops, repeats and swaps whole frames.
func (m mutant) frames(in []byte) []byte {
	head := min(len(in), len(wire.Magic))
	out, rest := bytes.Clone(in[:head]), in[head:]
	var list [][]byte
	for len(rest) >= wire.HeadLen {
		n := 4 + int(binary.BigEndian.Uint32(rest))
		if n > len(rest) {
			break
		}
		list, rest = append(list, rest[:n]), rest[n:]
	}
	for range 1 + m.IntN(3) {
		if len(list) == 0 {
			break
		}
		i, j := m.IntN(len(list)), m.IntN(len(list))
		switch m.IntN(3) {
		case 0:
			list[i], list[j] = list[j], list[i]
		case 1:
			list = append(list, list[i])
		case 2:
			list = append(list[:i:i], list[i+1:]...)
		}
	}
	return append(append(out, bytes.Join(list, nil)...), rest...)
}

// session makes the i-th input: a mutated capture, most of them behind a hello
// that is whole and of a new incarnation, so that it gets in.
func (m mutant) session(all map[string][]byte, i uint64) []byte {
	name := "user.dialled"
	if m.IntN(2) == 0 {
		name = "control.dialled"
	}
	in := all[name]
	if m.IntN(4) == 0 {
		return m.of(in)
	}
	r := wire.NewReader(bytes.NewReader(in))
	r.Magic()
	k, body, _ := r.Next()
	h, err := wire.ParseHello(k, body)
	if err != nil {
		panic(err) // the capture is good: see TestRecordedSessionIsUnderstood
	}
	h.Address, h.Uid = "whole:1", i
	out, err := wire.AppendFrame([]byte(wire.Magic), wire.KindHello, h)
	if err != nil {
		panic(err)
	}
	return append(out, m.of(in[len(wire.Magic)+wire.HeadLen+len(body):])...)
}

// answers makes the i-th input for a node that calls: most of them begin with a
// welcome that is whole and of a new incarnation. The others are for an address of
// their own, which they give UIDs of any height.
func (m mutant) answers(all map[string][]byte, i uint64) (address string, first, second []byte) {
	in := all[captures[1+2*m.IntN(2)]]
	if m.IntN(4) == 0 {
		return "wild:1", m.of(in), nil
	}
	r := wire.NewReader(bytes.NewReader(in))
	r.Magic()
	k, body, _ := r.Next()
	w, _, err := wire.ParseAnswer(k, body, wire.Versions{Min: 1, Max: 1})
	if err != nil {
		panic(err)
	}
	w.Address, w.Uid, w.Received = "raw:1", 1+i/256, 0 // a restart now and then: it empties the queue
	out, err := wire.AppendFrame([]byte(wire.Magic), wire.KindWelcome, w)
	if err != nil {
		panic(err)
	}
	return "raw:1", out, m.of(in[len(wire.Magic)+wire.HeadLen+len(body):])
}

// TestMutatedTraffic feeds a node what real sessions become when bytes and frames
// of them change, as the side that is called and as the side that calls. Nothing of
// it may panic, hang, or stay. A million inputs:
//
//	go test ./remote -run TestMutatedTraffic -inputs 1000000 -timeout 1h
func TestMutatedTraffic(t *testing.T) {
	all := loadCaptures(t)
	synctest.Test(t, func(t *testing.T) {
		v := newVictim(t)
		defer v.close()
		strangers := make(map[string]net.Listener)
		for _, address := range []string{"raw:1", "wild:1"} {
			ln, err := v.Listen(address)
			if err != nil {
				t.Fatal(err)
			}
			strangers[address] = ln
		}
		before := heapInUse()
		for i := range uint64(*inputs) {
			m := mutant{rand.New(rand.NewPCG(*start+i, 0))}
			if m.IntN(8) > 0 {
				v.hear(m.session(all, i+10))
			} else {
				address, first, second := m.answers(all, i+10)
				v.call(strangers[address], address, first, second)
			}
			if i%100_000 == 99_999 {
				time.Sleep(10 * time.Second)
				t.Logf("%d inputs, %d KiB more in use, %+v", i+1, (heapInUse()-before)>>10, v.r.Stats())
			}
		}
		for _, ln := range strangers {
			ln.Close()
		}
		time.Sleep(10 * time.Minute) // longer than any time-out
		if grown := heapInUse() - before; grown > 64<<20 {
			t.Errorf("%d bytes more are in use than before", grown)
		}
		s, n := v.r.Stats(), uint64(*inputs)
		if s.Inbound != 0 || s.Outbound != 0 || s.Panics != 0 {
			t.Errorf("got %+v, want no connection left and no panic", s)
		}
		if s.Malformed < n/8 || s.Accepted < n/4 || s.Received < n/4 || s.Control < n/8 || s.Dialled < n/32 || s.SentBytes < n || s.Resent == 0 {
			t.Errorf("got %+v of %d inputs, want many of each kind", s, n)
		}
		conn, err := v.Dial(t.Context(), "raw:1", "b:1")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) {
			h.Address, h.Uid = "whole:1", 1<<63
		}))...))
		if w, r := answer(t, conn); w == nil {
			t.Errorf("got %v after all that, want a welcome", r)
		}
	})
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// FuzzConnection feeds one whole connection to a node, as it comes.
func FuzzConnection(f *testing.F) {
	all := loadCaptures(f)
	for _, name := range captures {
		f.Add(all[name], name == "user.answered" || name == "control.answered")
	}
	secret := frame(f, wire.KindHello, hello(func(h *remotepb.Hello) { h.Nonce = newNonce() }))
	f.Add(append([]byte(wire.Magic), append(secret, frame(f, wire.KindProof, &remotepb.Proof{Mac: newNonce()})...)...), false)
	f.Fuzz(func(t *testing.T, in []byte, answers bool) {
		synctest.Test(t, func(t *testing.T) {
			v := newVictim(t)
			defer v.close()
			ln, err := v.Listen("raw:1")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			if answers {
				v.call(ln, "raw:1", in, nil)
			} else {
				v.hear(in)
			}
			time.Sleep(10 * time.Minute)
			if s := v.r.Stats(); s.Inbound != 0 || s.Panics != 0 {
				t.Errorf("got %+v, want no connection left and no panic", s)
			}
		})
	})
}

// FuzzHandshakeSecret does the same to a node that asks for a join secret.
func FuzzHandshakeSecret(f *testing.F) {
	h := frame(f, wire.KindHello, hello(func(h *remotepb.Hello) { h.Nonce = bytes.Repeat([]byte{7}, wire.NonceLen) }))
	p := frame(f, wire.KindProof, &remotepb.Proof{Mac: bytes.Repeat([]byte{9}, wire.MacLen)})
	r := frame(f, wire.KindRefusal, &remotepb.Refusal{Code: CodeSecret})
	f.Add(append(append([]byte(wire.Magic), h...), p...))
	f.Add(append(append([]byte(wire.Magic), h...), r...))
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) {
			v := newVictim(t, func(c *Config) { c.Secrets = []string{oneSecret} })
			defer v.close()
			v.hear(in)
			time.Sleep(10 * time.Minute)
			if s := v.r.Stats(); s.Inbound != 0 || s.Panics != 0 || s.Accepted != 0 {
				t.Errorf("got %+v, want nothing left, no panic, nobody let in", s)
			}
		})
	})
}

// TestBatchesAreAnsweredInBatches tells that senders leave writing to the lane
// while the peer's batches hold several messages, and take it up again after.
func TestBatchesAreAnsweredInBatches(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		for _, step := range []struct {
			name string
			msgs []any
			want bool
		}{
			{"one", []any{"1"}, false},
			{"many", []any{"2", "3", "4"}, true},
			{"many again", []any{"5", "6"}, true},
			{"one again", []any{"7"}, true},
		} {
			a.togetherTo(b.pid("box/1"), step.msgs)
			synctest.Wait()
			if got := b.r.peer("a:1").many.Load(); got != step.want {
				t.Errorf("%s: got many %v, want %v", step.name, got, step.want)
			}
		}
		wantTexts(t, "messages", b.texts("box/1"), "1", "2", "3", "4", "5", "6", "7")
		for i := 2; i <= calmAfter; i++ {
			if !b.r.peer("a:1").many.Load() {
				t.Errorf("the crowd is over after %d lone messages, want %d", i-1, calmAfter)
			}
			a.togetherTo(b.pid("box/1"), []any{"8"})
			synctest.Wait()
		}
		if b.r.peer("a:1").many.Load() {
			t.Errorf("got a crowd after %d lone messages, want none", calmAfter)
		}
	})
}

// togetherTo sends messages in one batch: the lane finds the queue locked until
// all are there.
func (n *node) togetherTo(to *pa.PID, msgs []any) {
	q := n.r.peer(to.Address).userFor(to.Id)
	q.mu.Lock()
	q.direct = true // as if a sender wrote meanwhile
	q.mu.Unlock()
	n.tell(to, msgs...)
	q.mu.Lock()
	q.direct = false
	q.mu.Unlock()
	q.l.wake()
}
