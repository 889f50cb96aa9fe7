package remote

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

func frame(t testing.TB, k wire.Kind, m proto.Message) []byte {
	t.Helper()
	b, err := wire.AppendFrame(nil, k, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hello returns a hello that a node of these tests welcomes, changed.
func hello(change ...func(*remotepb.Hello)) *remotepb.Hello {
	h := &remotepb.Hello{
		MinVersion: 1, MaxVersion: 1, Cluster: "test", Address: "raw:1", Uid: 5,
		Lane: remotepb.Lane_LANE_USER, Dialled: "b:1",
	}
	for _, f := range change {
		f(h)
	}
	return h
}

// answer reads the answer to a hello.
func answer(t *testing.T, conn net.Conn) (*remotepb.Welcome, *remotepb.Refusal) {
	t.Helper()
	r := wire.NewReader(conn)
	if err := r.Magic(); err != nil {
		t.Fatal(err)
	}
	k, body, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	w, refusal, err := wire.ParseAnswer(k, body, wire.Versions{Min: 1, Max: 9})
	if err != nil {
		t.Fatal(err)
	}
	return w, refusal
}

func TestHandshake(t *testing.T) {
	tests := []struct {
		name  string
		hello *remotepb.Hello
		code  string // "" = welcome
		text  string
	}{
		{"good", hello(), "", ""},
		{"versions overlap", hello(func(h *remotepb.Hello) { h.MaxVersion = 9 }), "", ""},
		{"versions too new", hello(func(h *remotepb.Hello) { h.MinVersion, h.MaxVersion = 2, 9 }), CodeVersion, "1 to 1"},
		{"other cluster", hello(func(h *remotepb.Hello) { h.Cluster = "tset" }), CodeCluster, `"tset"`},
		{"stale UID", hello(func(h *remotepb.Hello) { h.Uid = 3 }), CodeUID, "higher"},
		{"removed", hello(func(h *remotepb.Hello) { h.Address = "gone:1" }), CodeRemoved, "new UID"},
		{"removed, control", hello(func(h *remotepb.Hello) { h.Address, h.Lane = "gone:1", remotepb.Lane_LANE_CONTROL }), "", ""},
		{"the node's own address, later", hello(func(h *remotepb.Hello) { h.Address = "b:1" }), CodeAddress, "advertise"},
		{"the node's own address, earlier", hello(func(h *remotepb.Hello) { h.Address, h.Uid = "b:1", 1 }), CodeUID, "higher"},
		{"itself", hello(func(h *remotepb.Hello) { h.Address, h.Uid = "b:1", 2 }), "", ""},
		{"no address", hello(func(h *remotepb.Hello) { h.Address = "raw" }), CodeMalformed, "address"},
		{"no dialled address", hello(func(h *remotepb.Hello) { h.Dialled = "" }), CodeMalformed, "address"},
		{"no UID", hello(func(h *remotepb.Hello) { h.Uid = 0 }), CodeMalformed, "UID"},
		{"no lane", hello(func(h *remotepb.Hello) { h.Lane = 0 }), CodeMalformed, "lane"},
		{"unknown lane", hello(func(h *remotepb.Hello) { h.Lane = 3 }), CodeMalformed, "lane"},
		{"versions upside down", hello(func(h *remotepb.Hello) { h.MinVersion = 2 }), CodeMalformed, "versions"},
		{"version 0", hello(func(h *remotepb.Hello) { h.MinVersion = 0 }), CodeMalformed, "versions"},
		{"long name", hello(func(h *remotepb.Hello) { h.Cluster = strings.Repeat("x", 300) }), CodeMalformed, "name"},
		{"too long", hello(func(h *remotepb.Hello) { h.Cluster = strings.Repeat("x", 5000) }), CodeMalformed, "bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				b := c.start("b:1", 2)
				b.r.Known(Node{"raw:1", 4})
				b.r.Removed(Node{"gone:1", 5})
				conn := c.raw(b)
				defer conn.Close()
				conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, tt.hello)...))
				w, r := answer(t, conn)
				switch {
				case tt.code == "" && (w == nil || w.Version != 1 || w.Address != "b:1" || w.Uid != 2 || w.Cluster != "test"):
					t.Errorf("got %v, %v, want a welcome", w, r)
				case tt.code != "" && (r == nil || r.Code != tt.code || !strings.Contains(r.Text, tt.text)):
					t.Errorf("got %v, want refused with %s and %s", r, tt.code, tt.text)
				}
			})
		})
	}
}

func TestHandshakeTakesTooLong(t *testing.T) {
	bubble(t, func(c *cluster) {
		b := c.start("b:1", 2, func(c *Config) { c.MaxHandshakes = 3 })
		var conns []net.Conn
		for range 3 {
			conns = append(conns, c.raw(b))
		}
		synctest.Wait()
		one := c.raw(b) // one too many is closed at once
		if _, err := one.Read(make([]byte, 1)); err == nil {
			t.Error("got a byte on a connection above the limit")
		}
		for i := range 4 { // dripping bytes buys no time
			time.Sleep(time.Second)
			conns[0].Write([]byte(wire.Magic)[i : i+1])
		}
		time.Sleep(1001 * time.Millisecond)
		if s := b.r.Stats(); s.Inbound != 0 || s.Refused != 1 {
			t.Errorf("got %+v, want all closed after 5 s, one refused", s)
		}
		for _, conn := range conns {
			conn.Close()
		}
	})
}

func TestDialledSomethingElse(t *testing.T) {
	answers := map[string][]byte{
		"a web server": []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"silence":      nil,
		"an echo":      append([]byte(wire.Magic), frame(t, wire.KindHello, hello())...),
		"a version that was not offered": append([]byte(wire.Magic), frame(t, wire.KindWelcome,
			&remotepb.Welcome{Version: 7, Cluster: "test", Address: "b:1", Uid: 2})...),
	}
	for name, bytes := range answers {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a := c.start("a:1", 1)
				log := a.handle("svc")
				ln, err := c.Listen("b:1")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				a.r.Post(Node{"b:1", 0}, "svc", nil)
				conn, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.Write(bytes)
				time.Sleep(3 * time.Second)
				if _, failed := log.take(); len(failed) != 1 || errors.Is(failed[0], ErrNobody) {
					t.Errorf("got %v, want one failure", failed)
				}
				if s := a.r.Stats(); (s.Malformed == 1) != (name != "silence") {
					t.Errorf("got %d malformed", s.Malformed)
				}
			})
		})
	}
}

func TestMalformedFramesCloseTheirConnectionOnly(t *testing.T) {
	batch := func(seq uint64, e ...*remotepb.Envelope) []byte {
		return frame(t, wire.KindBatch, &remotepb.Batch{Seq: seq, Envelopes: e})
	}
	system := func(s *remotepb.System) []byte { return frame(t, wire.KindSystem, s) }
	user, control := remotepb.Lane_LANE_USER, remotepb.Lane_LANE_CONTROL
	tests := []struct {
		name  string
		lane  remotepb.Lane
		bytes []byte
	}{
		{"length", user, []byte{0xff, 0xff, 0xff, 0xff, 5}},
		{"kind", user, []byte{0, 0, 0, 1, 99}},
		{"hello again", user, frame(t, wire.KindHello, hello())},
		{"ack", user, frame(t, wire.KindAck, &remotepb.Ack{Batch: 1})},
		{"control on the user lane", user, frame(t, wire.KindControl, &remotepb.Control{Service: "s"})},
		{"batch on the control lane", control, batch(1)},
		{"batch without a number", user, batch(0)},
		{"unknown name", user, batch(1, &remotepb.Envelope{To: "box/1", TypeRef: 1})},
		{"one bad envelope", user, batch(1, &remotepb.Envelope{To: "box/1", Type: "string"}, &remotepb.Envelope{})},
		{"garbage batch", user, []byte{0, 0, 0, 3, byte(wire.KindBatch), 0xff, 0xff}},
		{"garbage define", user, []byte{0, 0, 0, 3, byte(wire.KindDefine), 0xff, 0xff}},
		{"garbage control", control, []byte{0, 0, 0, 3, byte(wire.KindControl), 0xff, 0xff}},
		{"system message without a number", control, system(&remotepb.System{Op: 4, Target: "x"})},
		{"system message without a target", control, system(&remotepb.System{Seq: 1, Op: 4})},
		{"watch without a watcher", control, system(&remotepb.System{Seq: 1, Op: 1, Target: "x"})},
		{"system message with a long id", control, system(&remotepb.System{Seq: 1, Op: 4, Target: strings.Repeat("x", 2000)})},
		{"spawn with a long name", control, frame(t, wire.KindSpawn, &remotepb.Spawn{Name: strings.Repeat("x", 2000)})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2)
				a.tell(b.pid("box/2"), "1")
				synctest.Wait()
				conn := c.raw(b)
				defer conn.Close()
				conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) { h.Lane = tt.lane }))...))
				conn.Write(tt.bytes)
				all, err := io.ReadAll(conn)
				if err != nil || !bytes.Contains(all, []byte(CodeMalformed)) {
					t.Errorf("got %q, %v, want a refusal as malformed", all, err)
				}
				a.tell(b.pid("box/2"), "2")
				synctest.Wait()
				wantTexts(t, "bad mail", b.texts("box/1"))
				wantTexts(t, "good mail", b.texts("box/2"), "1", "2")
				if s := b.r.Stats(); s.Malformed != 1 || s.Inbound != 1 {
					t.Errorf("got %+v, want one malformed, one left", s)
				}
			})
		})
	}
}

func TestMalformedAnswersCloseTheConnection(t *testing.T) {
	answers := map[string][]byte{
		"ack of the future": frame(t, wire.KindAck, &remotepb.Ack{Batch: 1000}),
		"batch":             frame(t, wire.KindBatch, &remotepb.Batch{Seq: 1}),
		"garbage":           {0, 0, 0, 3, byte(wire.KindAck), 0xff, 0xff},
	}
	for name, bytes := range answers {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a := c.start("a:1", 1)
				ln, err := c.Listen("b:1")
				if err != nil {
					t.Fatal(err)
				}
				a.tell(&pa.PID{Address: "b:1", Id: "box/1"}, "m")
				conn, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				ln.Close()
				conn.Write(append([]byte(wire.Magic), frame(t, wire.KindWelcome,
					&remotepb.Welcome{Version: 1, Cluster: "test", Address: "b:1", Uid: 2, MaxMessage: 1 << 20})...))
				conn.Write(bytes)
				io.Copy(io.Discard, conn)
				conn.Close()
				if s := a.r.Stats(); s.Malformed != 1 {
					t.Errorf("got %d malformed, want 1", s.Malformed)
				}
			})
		})
	}
}

// TestPoisonousBatchIsGivenUp: a batch that the other side calls malformed is
// not sent for ever, and those after it are sent.
func TestPoisonousBatchIsGivenUp(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		ln, err := c.Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		to := &pa.PID{Address: "b:1", Id: "box/1"}
		a.tell(to, "poison")
		conn, _ := welcomed(c, ln)
		synctest.Wait()
		a.tell(to, "good")
		conn.Write(frame(t, wire.KindRefusal, &remotepb.Refusal{Code: CodeMalformed, Text: "poison"}))
		conn.Close()
		conn, frames := welcomed(c, ln)
		defer conn.Close()
		frames.Next() // an empty batch in place of the poison
		frames.Next() // names
		_, body, err := frames.Next()
		if err != nil || !bytes.Contains(body, []byte("good")) || bytes.Contains(body, []byte("poison")) {
			t.Errorf("got %q, %v, want the good one", body, err)
		}
		if dead := a.deads(); len(dead) != 1 || dead[0].Message != "poison" {
			t.Errorf("got dead letters %v, want the poison", dead)
		}
	})
}

// welcomed accepts a connection as b:1 and makes the handshake.
func welcomed(c *cluster, ln net.Listener) (net.Conn, *wire.Reader) {
	c.t.Helper()
	conn, err := ln.Accept()
	if err != nil {
		c.t.Fatal(err)
	}
	frames := wire.NewReader(conn)
	if err := frames.Magic(); err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := frames.Next(); err != nil {
		c.t.Fatal(err)
	}
	conn.Write(append([]byte(wire.Magic), frame(c.t, wire.KindWelcome,
		&remotepb.Welcome{Version: 1, Cluster: "test", Address: "b:1", Uid: 2, MaxMessage: 1 << 20})...))
	return conn, frames
}
