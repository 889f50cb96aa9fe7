package sim

import (
	"fmt"
	"io"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// record is one line of the transcript before anybody asks for its text.
type record struct {
	at       time.Duration
	number   uint64 // the event during which it was written
	kind     kind
	from, to int // 0 = nobody
	packet   *core.Packet
	fail     *core.SendFailed
	event    engine.Event
	text     string
}

// transcript keeps the newest records, a hash of all, and writes out all of
// them when there is somebody to read.
type transcript struct {
	tail []record
	next int
	full bool
	hash uint64
	out  io.Writer
	line []byte
}

func newTranscript(tail int, out io.Writer) transcript {
	return transcript{tail: make([]record, tail), hash: offset, out: out}
}

// record notes what happens.
func (s *Sim) record(r record) {
	if r.kind != action {
		s.count++
	}
	r.at, r.number = s.now, s.count
	s.log.add(r)
}

// recordAction notes what the world does.
func (s *Sim) recordAction(format string, args ...any) {
	s.changed = s.now
	text := fmt.Sprintf(format, args...)
	s.record(record{kind: action, text: text})
	s.see(Sight{Action: plain(text)})
}

func (t *transcript) add(r record) {
	t.mix(uint64(r.at))
	t.mix(uint64(r.kind)<<48 | uint64(r.from)<<24 | uint64(r.to))
	if r.event != nil {
		t.mixText(r.event.String())
	}
	t.mixText(r.text)
	if t.out != nil {
		t.line = append(r.appendTo(t.line[:0]), '\n')
		t.mixText(string(t.line))
		_, _ = t.out.Write(t.line) // a writer that fails shows in its own test
	}
	if r.kind == wake || len(t.tail) == 0 {
		return // timers would fill the tail and tell nothing
	}
	t.tail[t.next] = r
	t.next = (t.next + 1) % len(t.tail)
	t.full = t.full || t.next == 0
}

// Constants of the 64-bit FNV-1a hash, here taken over words of eight bytes
// where there are some: a multiplication carries upwards only, hence the shift.
const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

func (t *transcript) mix(x uint64) {
	t.hash = (t.hash ^ x) * prime
	t.hash ^= t.hash >> 32
}

func (t *transcript) mixText(text string) {
	for i := range len(text) {
		t.hash = (t.hash ^ uint64(text[i])) * prime
	}
}

// Hash returns a fingerprint of all that has happened: equal for equal runs.
// With Config.Transcript set it covers the content of every packet too.
func (s *Sim) Hash() uint64 { return s.log.hash }

// Tail returns the newest lines of the transcript, oldest first.
func (s *Sim) Tail() []string {
	t := &s.log
	records := t.tail[:t.next]
	if t.full {
		records = append(append([]record(nil), t.tail[t.next:]...), records...)
	}
	lines := make([]string, 0, len(records))
	for i := range records {
		lines = append(lines, clip(string(records[i].appendTo(nil))))
	}
	return lines
}

// widest is how much of a line a tail shows.
const widest = 400

func clip(line string) string {
	if len(line) > widest {
		return line[:widest] + "…"
	}
	return line
}

// appendTo appends the line: time, event number, node, what happened.
func (r *record) appendTo(b []byte) []byte {
	b = fmt.Appendf(b, "%9.4fs #%d ", r.at.Seconds(), r.number)
	if r.to != 0 {
		b = fmt.Appendf(b, "%s ", name(r.to))
	}
	switch {
	case r.packet != nil:
		b = fmt.Appendf(b, "<- %s %s", name(r.from), plain(string(appendValue(nil, r.packet))))
	case r.fail != nil:
		b = fmt.Appendf(b, "could not send to %s%s", plain(r.fail.To.String()), why(r.fail))
	case r.event != nil:
		b = fmt.Appendf(b, "* %s", plain(r.event.String()))
	case r.text != "":
		b = append(b, plain(r.text)...)
	default:
		b = append(b, r.kind.String()...)
	}
	return b
}

func why(f *core.SendFailed) string {
	switch {
	case f.Nobody:
		return ": nobody there"
	case f.Refused != "":
		return ": " + f.Refused
	}
	return ""
}
