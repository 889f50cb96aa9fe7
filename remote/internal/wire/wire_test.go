package wire_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

func text(s string) wire.Text { return wire.Text{S: s} }

// outgoing are envelopes that use each way to write a text.
func outgoing() []wire.Outgoing {
	return []wire.Outgoing{
		{To: text("room/go"), FromAddress: text("c:1"), From: text("$9"), Type: text("pkg.Type"), Payload: []byte("payload")},
		{To: wire.Text{Ref: 1}, FromAddress: wire.Text{Ref: 2}, From: wire.Text{Ref: 3}, Type: wire.Text{Ref: 4000}},
		{To: text("x"), Type: text("string"), Payload: make([]byte, 300)},
		{To: text("x"), Type: text("string"), Headers: map[string]string{"traceparent": "00-1-2-01", "b": ""}},
	}
}

func batch(seq uint64, envelopes ...wire.Outgoing) []byte {
	b := wire.BeginBatch(nil)
	for i := range envelopes {
		b = wire.AppendEnvelope(b, &envelopes[i])
	}
	wire.EndBatch(b, seq)
	return b
}

func TestBatchAgreesWithSchema(t *testing.T) {
	var got remotepb.Batch
	if err := proto.Unmarshal(batch(7, outgoing()...)[wire.HeadLen:], &got); err != nil {
		t.Fatal(err)
	}
	want := &remotepb.Batch{Seq: 7, Envelopes: []*remotepb.Envelope{
		{To: "room/go", FromAddress: "c:1", From: "$9", Type: "pkg.Type", Payload: []byte("payload")},
		{ToRef: 1, FromAddressRef: 2, FromRef: 3, TypeRef: 4000},
		{To: "x", Type: "string", Payload: make([]byte, 300)},
		{To: "x", Type: "string", Headers: map[string]string{"traceparent": "00-1-2-01", "b": ""}},
	}}
	if d := cmp.Diff(&got, want, protocmp.Transform()); d != "" {
		t.Errorf("written by hand, got (-), want (+):\n%s", d)
	}
	body, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	seq, envelopes, err := new(wire.BatchReader).Read(body, 4096)
	if err != nil || seq != 7 || len(envelopes) != 4 {
		t.Fatalf("got %d, %v, %v", seq, envelopes, err)
	}
	again := wire.BeginBatch(nil)
	for _, e := range envelopes {
		again = wire.AppendEnvelope(again, &wire.Outgoing{
			To: seen(e.To), FromAddress: seen(e.FromAddress), From: seen(e.From), Type: seen(e.Type), Headers: e.Headers, Payload: e.Payload,
		})
	}
	wire.EndBatch(again, seq)
	if !bytes.Equal(again, batch(7, outgoing()...)) {
		t.Errorf("got %x after a round trip", again)
	}
}

func seen(s wire.Seen) wire.Text { return wire.Text{S: string(s.B), Ref: s.Ref} }

func TestMaxSizeIsABound(t *testing.T) {
	for i, e := range outgoing() {
		if got := len(wire.AppendEnvelope(nil, &e)); got > e.MaxSize() {
			t.Errorf("envelope %d: got %d bytes, want at most %d", i, got, e.MaxSize())
		}
	}
}

func frame(t testing.TB, k wire.Kind, m proto.Message) []byte {
	t.Helper()
	b, err := wire.AppendFrame(nil, k, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReader(t *testing.T) {
	long := bytes.Repeat([]byte{0xab}, 300_000)
	big := append([]byte{0, 4, 0x93, 0xe1, byte(wire.KindControl)}, long...)
	small := []byte{0, 0, 0, 2, byte(wire.KindAck), 7}
	stream := bytes.Join([][]byte{small, big, small, {0, 0, 0, 1, byte(wire.KindAck)}}, nil)
	r := wire.NewReader(iotest.HalfReader(bytes.NewReader(stream)))
	r.Limit(300_000)
	for i, want := range [][]byte{{7}, long, {7}, {}} {
		if _, body, err := r.Next(); err != nil || !bytes.Equal(body, want) {
			t.Fatalf("frame %d: got %d bytes, %v, want %d", i, len(body), err, len(want))
		}
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Errorf("got %v at the end, want EOF", err)
	}
}

func TestReaderRefuses(t *testing.T) {
	malformed := func(err error) bool { return errors.As(err, new(*wire.MalformedError)) }
	cut := func(err error) bool { return err == io.ErrUnexpectedEOF }
	tests := []struct {
		name  string
		bytes string
		want  func(error) bool
	}{
		{"length 0", "\x00\x00\x00\x00\x01", malformed},
		{"length above the limit", "\x00\x00\x10\x02\x01", malformed},
		{"length far above the limit", "\xff\xff\xff\xff\x01", malformed},
		{"half a head", "\x00\x00", cut},
		{"half a body", "\x00\x00\x00\x05\x01ab", cut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := wire.NewReader(strings.NewReader(tt.bytes)).Next(); !tt.want(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLongLengthCostsNothing(t *testing.T) {
	head := []byte{0x3f, 0xff, 0xff, 0xff, byte(wire.KindControl)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		r := wire.NewReader(bytes.NewReader(head))
		r.Limit(1 << 30)
		r.Next()
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 10<<20 {
		t.Errorf("got %d bytes allocated for ten lengths of 1 GiB, want few", got)
	}
}

func TestParseBatchRefuses(t *testing.T) {
	marshal := func(m proto.Message) []byte {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one := func(e *remotepb.Envelope) []byte {
		return marshal(&remotepb.Batch{Seq: 1, Envelopes: []*remotepb.Envelope{e}})
	}
	tests := []struct {
		name string
		body []byte
	}{
		{"nothing", nil},
		{"no sequence number", marshal(&remotepb.Batch{Envelopes: []*remotepb.Envelope{{To: "a", Type: "b"}}})},
		{"no receiver", one(&remotepb.Envelope{Type: "b"})},
		{"no type", one(&remotepb.Envelope{To: "a"})},
		{"unknown name", one(&remotepb.Envelope{ToRef: 3, Type: "b"})},
		{"huge name", one(&remotepb.Envelope{To: "a", TypeRef: 1 << 31})},
		{"long text", one(&remotepb.Envelope{To: strings.Repeat("x", wire.MaxText+1), Type: "b"})},
		{"cut", one(&remotepb.Envelope{To: "a", Type: "b"})[:14]},
		{"text that is not UTF-8", []byte("\x09\x01\x00\x00\x00\x00\x00\x00\x00\x12\x06\x0a\x01\xff\x3a\x01b")},
		{"too many", append(bytes.Repeat([]byte{0x12, 6, 0x0a, 1, 'a', 0x3a, 1, 'b'}, wire.MaxEnvelopes+1), 9, 1, 0, 0, 0, 0, 0, 0, 0)},
		{"group without an end", []byte("\x09\x01\x00\x00\x00\x00\x00\x00\x00\x12\x01\x0b")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := new(wire.BatchReader).Read(tt.body, 2); !errors.As(err, new(*wire.MalformedError)) {
				t.Errorf("got %v, want malformed", err)
			}
		})
	}
}

func TestLaterFieldsAreSkipped(t *testing.T) {
	body := batch(1, outgoing()[0])[wire.HeadLen:]
	body = append(body, 0xfa, 0x01, 3, 'n', 'e', 'w', 0xf8, 0x01, 5) // field 31, bytes and varint
	if _, got, err := new(wire.BatchReader).Read(body, 0); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNames(t *testing.T) {
	var n wire.Names
	var table wire.Table
	for _, s := range []string{"a", "b", "a", "", "b"} {
		n.Text(s)
	}
	if err := table.Define(n.AppendDefine(nil, 0, 1)[wire.HeadLen:]); err != nil {
		t.Fatal(err)
	}
	if err := table.Define(n.AppendDefine(nil, 1, n.Len())[wire.HeadLen:]); err != nil {
		t.Fatal(err)
	}
	if table.Len() != 2 || table.At(1) != "a" || table.At(2) != "b" || n.Text("b") != (wire.Text{Ref: 2}) {
		t.Errorf("got %d names and %v for b", table.Len(), n.Text("b"))
	}
	for range 2 * wire.MaxNames {
		n.Text(strings.Repeat("x", n.Len()%1000+1) + string(rune('a'+n.Len()/1000)))
	}
	table = wire.Table{}
	if err := table.Define(n.AppendDefine(nil, 0, n.Len())[wire.HeadLen:]); err != nil {
		t.Errorf("a full table: %v", err)
	}
}

func TestDefineRefuses(t *testing.T) {
	tests := []struct {
		name  string
		names []string
	}{
		{"empty", []string{""}},
		{"long", []string{strings.Repeat("x", wire.MaxText+1)}},
		{"too many", make([]string, wire.MaxNames+1)},
		{"too many bytes", make([]string, wire.MaxNamesBytes/1000+1)},
	}
	for i := range tests[2].names {
		tests[2].names[i] = "x"
	}
	for i := range tests[3].names {
		tests[3].names[i] = strings.Repeat("x", 1000)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := frame(t, wire.KindDefine, &remotepb.Define{Names: tt.names})
			if err := new(wire.Table).Define(b[wire.HeadLen:]); err == nil {
				t.Error("got nil, want malformed")
			}
		})
	}
}

func TestVersions(t *testing.T) {
	tests := []struct {
		a, b wire.Versions
		want uint32
		ok   bool
	}{
		{wire.Versions{Min: 1, Max: 1}, wire.Versions{Min: 1, Max: 1}, 1, true},
		{wire.Versions{Min: 1, Max: 3}, wire.Versions{Min: 2, Max: 5}, 3, true},
		{wire.Versions{Min: 4, Max: 5}, wire.Versions{Min: 1, Max: 3}, 3, false},
		{wire.Versions{Min: 1, Max: 3}, wire.Versions{Min: 4, Max: 5}, 3, false},
		{wire.Versions{}, wire.Versions{}, 0, false},
	}
	for _, tt := range tests {
		if got, ok := tt.a.Common(tt.b); got != tt.want || ok != tt.ok {
			t.Errorf("%v and %v: got %d %v, want %d %v", tt.a, tt.b, got, ok, tt.want, tt.ok)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for address, want := range map[string]bool{
		"a:1": true, "[::1]:7001": true, "10.0.0.1:65535": true,
		"a": false, "a:": false, ":1": false, "a:0": false, "a:65536": false, "a:x": false, "a:-1": false,
		"pando": false, "$ask": false, "": false, strings.Repeat("a", 300) + ":1": false,
	} {
		if got := wire.CheckAddress(address); got != want {
			t.Errorf("%q: got %v, want %v", address, got, want)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(batch(1, outgoing()...))
	f.Add(frame(f, wire.KindControl, &remotepb.Control{Service: "s", Payload: []byte("p")}))
	f.Add(frame(f, wire.KindDefine, &remotepb.Define{Names: []string{"a", "b"}}))
	f.Add(append(batch(1), batch(2, outgoing()[0])...))
	f.Add([]byte("\xff\xff\xff\xff"))
	for _, g := range goldenFrames(f) {
		f.Add(g.frame)
	}
	first := wire.Fragment{Seq: 1, Transfer: 7, Size: 9, Data: []byte("\x0a\x01x")}
	second := wire.Fragment{Seq: 2, Transfer: 7, Size: 9, Data: []byte("\x3a\x04type")}
	f.Add(append(append(first.AppendHead(nil), first.Data...), append(second.AppendHead(nil), second.Data...)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := wire.NewReader(bytes.NewReader(in))
		r.Limit(1 << 20)
		var table wire.Table
		var partial wire.Partial
		for {
			k, body, err := r.Next()
			if err != nil {
				return
			}
			wire.Describe(k, body)
			switch k {
			case wire.KindDefine:
				table.Define(body)
			case wire.KindBatch:
				fuzzBatch(t, body, table.Len())
			case wire.KindFragment:
				fuzzFragment(t, body, &partial)
			case wire.KindAck:
				fuzzAck(t, body)
			case wire.KindPacked:
				if p, err := wire.ParsePacked(body, 1000); err == nil && (p.Size > 1000 || p.Kind == wire.KindPacked) {
					t.Fatalf("accepted %v", p)
				}
			}
		}
	})
}

// fuzzFragment checks that what is gathered is what was announced.
func fuzzFragment(t *testing.T, body []byte, partial *wire.Partial) {
	f, err := wire.ParseFragment(body)
	if err != nil {
		return
	}
	var want remotepb.Fragment
	if err := proto.Unmarshal(body, &want); err != nil || want.Seq != f.Seq || string(want.Data) != string(f.Data) {
		t.Fatalf("got %v, want %v, %v", f, &want, err)
	}
	const limit, total = 1000, 1500
	whole, err := partial.Add(f, limit, total)
	if whole != nil && (err != nil || uint64(len(whole)) != f.Size || len(whole) > limit) {
		t.Fatalf("got an envelope of %d bytes, want %d", len(whole), f.Size)
	}
	if whole != nil {
		wire.ParseEnvelope(whole, 0)
	}
}

// fuzzAck checks an acknowledgement against the schema's own decoder.
func fuzzAck(t *testing.T, body []byte) {
	got, err := wire.ParseAck(body)
	var want remotepb.Ack
	if err != nil || proto.Unmarshal(body, &want) != nil {
		return
	}
	if got != (wire.Ack{Batch: want.Batch, Control: want.Control, System: want.System}) {
		t.Fatalf("got %v, want %v", got, &want)
	}
}

// fuzzBatch checks what was accepted against the schema's own decoder.
func fuzzBatch(t *testing.T, body []byte, names int) {
	_, got, err := new(wire.BatchReader).Read(body, names)
	if err != nil {
		return
	}
	var want remotepb.Batch
	if err := proto.Unmarshal(body, &want); err != nil {
		return // a header that we skip, for one
	}
	if len(got) != len(want.Envelopes) {
		t.Fatalf("got %d envelopes, want %d", len(got), len(want.Envelopes))
	}
	for i, e := range want.Envelopes {
		g := got[i]
		if string(g.To.B) != e.To || string(g.Payload) != string(e.Payload) || g.Type.Ref != e.TypeRef || string(g.From.B) != e.From || !maps.Equal(g.Headers, e.Headers) {
			t.Fatalf("envelope %d: got %v, want %v", i, g, e)
		}
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add(byte(wire.KindHello), frame(f, wire.KindHello, &remotepb.Hello{
		MinVersion: 1, MaxVersion: 1, Cluster: "c", Address: "a:1", Uid: 1, Lane: 1, Dialled: "b:1"})[wire.HeadLen:])
	f.Add(byte(wire.KindWelcome), frame(f, wire.KindWelcome, &remotepb.Welcome{Version: 1, Address: "a:1", Uid: 1})[wire.HeadLen:])
	f.Add(byte(wire.KindRefusal), frame(f, wire.KindRefusal, &remotepb.Refusal{Code: "c"})[wire.HeadLen:])
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		if h, err := wire.ParseHello(wire.Kind(kind), body); err == nil && (h.Uid == 0 || !wire.CheckAddress(h.Address)) {
			t.Errorf("accepted %v", h)
		}
		w, r, err := wire.ParseAnswer(wire.Kind(kind), body, wire.Versions{Min: 1, Max: 1})
		if err == nil && (w == nil) == (r == nil) {
			t.Errorf("got %v and %v", w, r)
		}
	})
}
