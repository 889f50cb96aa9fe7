package remote

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// numbered is message i of a pair, of about size bytes.
func numbered(i, size int) string {
	s := fmt.Sprintf("%d ", i)
	return s + strings.Repeat("x", max(0, size-len(s)))
}

// wantNumbered checks that a box got the messages 0 … n-1 of each sender once
// and in order.
func wantNumbered(t *testing.T, got []mail, senders, n int) {
	t.Helper()
	next := map[string]int{}
	for _, m := range got {
		pair := m.from.Id + " to " + m.id
		var i int
		if _, err := fmt.Sscan(m.msg.(string), &i); err != nil || i != next[pair] {
			t.Fatalf("%s: got message %.9q, want %d", pair, m.msg, next[pair])
		}
		next[pair]++
	}
	if len(next) != senders {
		t.Fatalf("got messages of %d pairs, want %d", len(next), senders)
	}
	for pair, k := range next {
		if k != n {
			t.Errorf("%s: got %d messages, want %d", pair, k, n)
		}
	}
}

// TestOrderAcrossSizes sends small and large messages between many pairs while
// connections are cut, reset and closed for being idle at random: each arrives
// once, in the order of its pair.
func TestOrderAcrossSizes(t *testing.T) {
	const senders, n = 6, 40
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(c *cluster) {
				small := func(c *Config) { c.IdleTimeout, c.UserLanes, c.AckTimeout = 40*time.Millisecond, 3, time.Second }
				a, b := c.start("a:1", 1, small), c.start("b:1", 2, small)
				r := rand.New(rand.NewPCG(seed, 1))
				c.Slow("a:1", "b:1", time.Millisecond)
				var wg sync.WaitGroup
				for s := range senders {
					sizes := rand.New(rand.NewPCG(seed, uint64(s)))
					wg.Go(func() {
						from, to := a.pid(fmt.Sprint("me", s)), b.pid(fmt.Sprint("box/", s))
						for i := range n {
							size := 10
							if sizes.IntN(4) == 0 {
								size = sizes.IntN(300_000)
							}
							a.proto.Root.Send(to, &pa.MessageEnvelope{Message: numbered(i, size), Sender: from})
							time.Sleep(time.Duration(sizes.IntN(60)) * time.Millisecond)
						}
					})
				}
				for range 15 {
					time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
					switch r.IntN(3) {
					case 0:
						c.Reset("a:1", "b:1")
					case 1:
						c.CutOneWay("b:1", "a:1")
					default:
						c.Heal("a:1", "b:1")
					}
				}
				c.Heal("a:1", "b:1")
				wg.Wait()
				time.Sleep(time.Minute)
				wantNumbered(t, b.mails(), senders, n)
				if dead := a.deads(); len(dead) > 0 {
					t.Errorf("got %d dead letters, first %v", len(dead), dead[0].Reason)
				}
				if s := a.r.Stats(); s.Outbound != 0 || s.Peers != 1 {
					t.Errorf("got %+v, want all connections closed for being idle", s)
				}
			})
		})
	}
}

// TestSmallOvertakesLarge: a large message delays what goes to its own receiver
// and, by a window at most, what goes to others in its lane.
func TestSmallOvertakesLarge(t *testing.T) {
	bubble(t, func(c *cluster) {
		one := func(c *Config) { c.UserLanes, c.MaxMessage, c.QueueBytes = 1, 16<<20, 64<<20 }
		a, b := c.start("a:1", 1, one), c.start("b:1", 2, one)
		a.tell(b.pid("box/1"), "first", strings.Repeat("x", 12<<20), "behind")
		a.tell(b.pid("box/2"), "small")
		synctest.Wait()
		time.Sleep(time.Second)
		var order []string
		for _, m := range b.mails() {
			order = append(order, fmt.Sprintf("%s %d", m.id, len(m.msg.(string))))
		}
		wantTexts(t, "order", order, "box/1 5", "box/2 5", "box/1 12582912", "box/1 6")
		if s := a.r.PeerStats()[0].Lanes[1]; s.Fragments < 12<<20/fragmentBytes {
			t.Errorf("got %d fragments", s.Fragments)
		}
		if s := a.r.PeerStats()[0]; s.Queued != 0 {
			t.Errorf("got %d bytes queued at the end, want 0", s.Queued)
		}
	})
}

// TestIdleLanesClose: what nobody uses is closed, and opened again.
func TestIdleLanesClose(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		got := b.handle("svc")
		for round := range 3 {
			a.tell(b.pid("box/1"), fmt.Sprint(round))
			a.r.Post(b.node, "svc", []byte(fmt.Sprint(round)))
			time.Sleep(time.Second)
			if s := a.r.Stats(); s.Outbound != 2 {
				t.Errorf("round %d: got %d connections, want 2", round, s.Outbound)
			}
			time.Sleep(2 * time.Minute)
			if s := a.r.Stats(); s.Outbound != 0 {
				t.Errorf("round %d: got %d connections when idle, want none", round, s.Outbound)
			}
		}
		wantTexts(t, "mail", b.texts("box/1"), "0", "1", "2")
		posts, failed := got.take()
		if len(posts) != 3 || len(failed) != 0 {
			t.Errorf("got %q, %v, want three", posts, failed)
		}
	})
}

// TestTerminatedFollowsMessages: what an actor sent to its watcher before it
// stopped arrives before Terminated, even if its lane is slower.
func TestTerminatedFollowsMessages(t *testing.T) {
	for _, size := range []int{10, 200_000} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2)
				there := b.idler("there")
				w, pid := a.watcher("w", there)
				synctest.Wait()
				var mu sync.Mutex
				var before int
				a.sink = func(mail) {
					time.Sleep(time.Second) // the user lane is busy
					mu.Lock()
					defer mu.Unlock()
					if got := w.take(); len(got) > 0 {
						t.Errorf("got %q before the messages", got)
					}
					before++
				}
				for range 3 {
					b.tell(a.pid(pid.Id), strings.Repeat("x", size))
				}
				b.proto.Root.Stop(there)
				time.Sleep(time.Minute)
				wantTexts(t, "terminated", w.take(), "b:1/there Stopped")
				mu.Lock()
				defer mu.Unlock()
				if before != 3 {
					t.Errorf("got %d messages, want 3", before)
				}
			})
		})
	}
}

// TestRemovedPeersAreForgotten: of a removed node stays a tombstone.
func TestRemovedPeersAreForgotten(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		to := &pa.PID{Address: "b:1", Id: "box/1"}
		for uid := range uint64(3) {
			b := c.start("b:1", uid+2)
			a.tell(to, fmt.Sprint(uid)) // the same PID for all incarnations
			time.Sleep(time.Second)
			wantTexts(t, "mail", b.texts("box/1"), fmt.Sprint(uid))
			a.r.Removed(b.node)
			c.crash(b)
			time.Sleep(5 * time.Minute)
			if s := a.r.Stats(); s.Peers != 0 {
				t.Errorf("got %d peers, want none", s.Peers)
			}
			late := c.start("b:1", uid+2)
			late.tell(a.pid("box/1"), "late")
			time.Sleep(time.Second)
			wantTexts(t, "mail of a removed incarnation", a.texts("box/1"))
			c.crash(late)
			time.Sleep(5 * time.Minute)
			a.r.Known(Node{"b:1", uid + 3}) // else the next is no member
		}
	})
}

// TestUnusedPeersAreForgotten: addresses that nobody has used for long leave
// nothing behind, and PIDs of them still work.
func TestUnusedPeersAreForgotten(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1, func(c *Config) { c.ForgetAfter = time.Hour })
		b := c.start("b:1", 2)
		to := b.pid("box/1")
		a.tell(to, "1")
		for i := range 500 {
			a.r.Post(Node{Address: fmt.Sprintf("x:%d", i+1)}, "svc", nil)
			time.Sleep(time.Minute)
		}
		if s := a.r.Stats(); s.Peers > 200 {
			t.Errorf("got %d peers, want about as many as in the last hour", s.Peers)
		}
		a.tell(to, "2")
		time.Sleep(time.Second)
		wantTexts(t, "mail", b.texts("box/1"), "1", "2")
	})
}

func TestHeadersArrive(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		send := func(headers map[string]string, size int) {
			a.proto.Root.Send(b.pid("box/1"), &pa.MessageEnvelope{Message: numbered(0, size), Header: headers})
		}
		trace := map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "a=b"}
		send(trace, 10)
		send(trace, 100_000)
		send(map[string]string{"k": strings.Repeat("x", wire.MaxHeaderBytes)}, 10)
		time.Sleep(time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.headers) != 2 {
			t.Fatalf("got %d messages, want 2", len(b.headers))
		}
		for _, h := range b.headers {
			if len(h) != 2 || h["traceparent"] != trace["traceparent"] || h["tracestate"] != "a=b" {
				t.Errorf("got headers %v, want %v", h, trace)
			}
		}
		if dead := a.deads(); len(dead) != 1 || !errors.Is(dead[0].Reason, ErrTooLarge) {
			t.Errorf("got dead letters %v, want the one with too long headers", dead)
		}
	})
}

type line struct{ User, Text string }

func TestJSONCodec(t *testing.T) {
	bubble(t, func(c *cluster) {
		with := func(types map[string]any) func(*Config) { return func(c *Config) { c.Codecs = []Codec{JSON(types)} } }
		a := c.start("a:1", 1, with(map[string]any{"line": line{}, "ptr": &line{}, "mine": 0}))
		b := c.start("b:1", 2, with(map[string]any{"line": line{}, "ptr": &line{}}))
		d := c.start("d:1", 3)
		a.tell(b.pid("box/1"), line{"ada", "hi"}, &line{"eve", "ho"}, 7)
		a.tell(d.pid("box/1"), line{"ada", "hi"})
		synctest.Wait()
		got := b.mails()
		if len(got) != 2 || got[0].msg != (line{"ada", "hi"}) || *got[1].msg.(*line) != (line{"eve", "ho"}) {
			t.Errorf("got %v, want a line and a pointer to one", got)
		}
		for _, n := range []*node{b, d} {
			if dead := n.deads(); len(dead) != 1 || !errors.Is(dead[0].Reason, ErrUnknownType) {
				t.Errorf("%s: got dead letters %v, want one of unknown type", n.node.Address, dead)
			}
		}
	})
}

// runs is a compression for tests: a byte and how often it comes.
type runs struct{}

func (runs) Name() string { return "runs" }

func (runs) Compress(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		n := 1
		for n < 255 && i+n < len(src) && src[i+n] == src[i] {
			n++
		}
		dst = append(dst, byte(n), src[i])
		i += n
	}
	return dst
}

func (runs) Decompress(dst, src []byte, limit int) ([]byte, error) {
	for ; len(src) >= 2; src = src[2:] {
		if len(dst)+int(src[0]) > limit {
			return dst, errors.New("too long")
		}
		dst = append(dst, bytes.Repeat(src[1:2], int(src[0]))...)
	}
	return dst, nil
}

func TestCompression(t *testing.T) {
	bubble(t, func(c *cluster) {
		with := func(c *Config) { c.Compressions = []Compression{runs{}} }
		a, b, plain := c.start("a:1", 1, with), c.start("b:1", 2, with), c.start("d:1", 3)
		random := make([]byte, 5000)
		for i := range random {
			random[i] = byte(rand.Uint32())
		}
		for _, n := range []*node{b, plain} {
			a.tell(n.pid("box/1"), numbered(1, 5000), numbered(2, 300_000), "short")
			time.Sleep(time.Second)
			a.tell(n.pid("box/1"), random)
			time.Sleep(time.Second)
			got := n.mails()
			if len(got) != 4 || got[0].msg != numbered(1, 5000) || got[1].msg != numbered(2, 300_000) || !bytes.Equal(got[3].msg.([]byte), random) {
				t.Errorf("%s: got %d messages, or others than were sent", n.node.Address, len(got))
			}
		}
		stats := func(i int) (from, to uint64) {
			for _, l := range a.r.PeerStats()[i].Lanes {
				from, to = from+l.PackedFrom, to+l.PackedTo
			}
			return from, to
		}
		if from, to := stats(0); from < 300_000 || to > from/10 {
			t.Errorf("got %d bytes packed to %d", from, to)
		}
		if from, _ := stats(1); from != 0 {
			t.Errorf("got %d bytes packed for a node that cannot unpack", from)
		}
	})
}

// TestPackedBombs: a compressed frame that is longer than it may be, or says
// so, closes its connection.
func TestPackedBombs(t *testing.T) {
	packed := func(size int, data []byte) []byte {
		b := wire.BeginPacked(nil, wire.KindBatch, size)
		head := len(b)
		b = append(b, data...)
		wire.EndPacked(b, head)
		return b
	}
	for name, f := range map[string][]byte{
		"announced":       packed(1<<30, nil),
		"not announced":   packed(100, runs{}.Compress(nil, make([]byte, 1<<20))),
		"shorter":         packed(100, []byte{1, 1}),
		"packed in packs": append(packed(10, nil)[:6], byte(wire.KindPacked)),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				b := c.start("b:1", 2, func(c *Config) { c.Compressions = []Compression{runs{}} })
				conn := c.raw(b)
				defer conn.Close()
				conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello(func(h *remotepb.Hello) {
					h.Compressions = []string{"other", "runs"}
				}))...))
				if w, _ := answer(t, conn); w.GetCompression() != "runs" {
					t.Fatalf("got compression %q, want runs", w.GetCompression())
				}
				if name == "packed in packs" {
					f = frame(t, wire.KindPacked, &remotepb.Packed{Kind: uint32(wire.KindPacked), Size: 1})
				}
				conn.Write(f)
				synctest.Wait()
				if s := b.r.Stats(); s.Malformed != 1 || s.Inbound != 0 {
					t.Errorf("got %+v, want the connection closed as malformed", s)
				}
			})
		})
	}
}

func TestDump(t *testing.T) {
	bubble(t, func(c *cluster) {
		var mu sync.Mutex
		seen := map[string]bool{}
		a := c.start("a:1", 1, func(c *Config) {
			c.Dump = func(f Frame) {
				mu.Lock()
				defer mu.Unlock()
				direction := "read"
				if f.Written {
					direction = "written"
				}
				seen[fmt.Sprintf("%s %s %s", direction, f.Lane[:4], f.Kind)] = true
				if f.Kind == "batch" && f.Written && !strings.Contains(f.Text(), "payload:") {
					t.Errorf("got text %q", f.Text())
				}
			}
		})
		b := c.start("b:1", 2)
		a.tell(b.pid("box/1"), "hello")
		b.tell(a.pid("box/1"), "hello", strings.Repeat("x", 100_000))
		a.r.Post(b.node, "svc", nil)
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"written user batch", "written user define", "read user batch", "read user fragment", "written cont control", "read user ack", "written user ack"} {
			if !seen[want] {
				t.Errorf("got %v, want %q too", seen, want)
			}
		}
	})
}

func TestPeerStats(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1, func(c *Config) { c.UserLanes, c.MaxMessage = 1, 1000 }), c.start("b:1", 2)
		a.tell(b.pid("box/1"), "1", "2", time.Now(), strings.Repeat("x", 2000))
		b.tell(a.pid("box/1"), "1")
		time.Sleep(time.Second)
		c.Reset("a:1", "b:1")
		a.tell(b.pid("box/1"), "3")
		time.Sleep(time.Second)
		s := a.r.PeerStats()
		if len(s) != 1 || s[0].Address != "b:1" || s[0].UID != 2 || s[0].Removed {
			t.Fatalf("got %+v, want b:1", s)
		}
		if d := s[0].Dropped; d != (Drops{NotPortable: 2}) {
			t.Errorf("got drops %+v, want two not portable", d)
		}
		l := s[0].Lanes[1]
		if l.Name != "user0" || !l.Up || l.Sent != 3 || l.Connects != 2 || l.Received != 1 || l.SentBytes == 0 || l.AckLatency <= 0 {
			t.Errorf("got %+v", l)
		}
	})
}

// TestMalformedFragments: whoever breaks the rules of fragments is disconnected,
// and what it had begun is bounded.
func TestMalformedFragments(t *testing.T) {
	f := func(seq, transfer, size uint64, n int) []byte {
		x := wire.Fragment{Seq: seq, Transfer: transfer, Size: size, Data: make([]byte, n)}
		return append(x.AppendHead(nil), x.Data...)
	}
	var many []byte
	for i := range uint64(wire.MaxTransfers + 1) {
		many = append(many, f(i+1, i+1, 100, 1)...)
	}
	tests := map[string][]byte{
		"too large":       f(1, 1, 1<<40, 10),
		"total too large": append(f(1, 1, 4<<20, 10), append(f(2, 2, 4<<20, 10), f(3, 3, 4<<20, 10)...)...),
		"size changes":    append(f(1, 1, 100, 10), f(2, 1, 101, 10)...),
		"too much data":   append(f(1, 1, 100, 60), f(2, 1, 100, 60)...),
		"too many":        many,
		"no envelope":     f(1, 1, 100, 100),
		"no number":       f(0, 1, 100, 10),
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				b := c.start("b:1", 2)
				conn := c.raw(b)
				defer conn.Close()
				conn.Write(append([]byte(wire.Magic), frame(t, wire.KindHello, hello())...))
				answer(t, conn)
				conn.Write(bad)
				synctest.Wait()
				if s := b.r.Stats(); s.Malformed != 1 || s.Inbound != 0 {
					t.Errorf("got %+v, want the connection closed as malformed", s)
				}
			})
		})
	}
}

// TestPoisonousLargeMessage: one that the other side cannot read is given up,
// and what it had gathered of it too.
func TestPoisonousLargeMessage(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		ln, err := c.Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		to := &pa.PID{Address: "b:1", Id: "box/1"}
		poison := strings.Repeat("poison", 100_000)
		a.tell(to, poison)
		conn, _ := welcomed(c, ln)
		synctest.Wait()
		a.tell(to, "good")
		conn.Write(frame(t, wire.KindRefusal, &remotepb.Refusal{Code: CodeMalformed, Text: "poison"}))
		conn.Close()
		conn, frames := welcomed(c, ln)
		defer conn.Close()
		frames.Limit(1 << 20)
		for good := false; !good; {
			kind, body, err := frames.Next()
			if err != nil {
				t.Fatalf("got %v, want the good one", err)
			}
			if kind == wire.KindFragment {
				if f, err := wire.ParseFragment(body); err != nil || len(f.Data) > 0 {
					t.Errorf("got a fragment of %d bytes, %v", len(f.Data), err)
				}
			}
			good = bytes.Contains(body, []byte("good"))
		}
		if dead := a.deads(); len(dead) != 1 || dead[0].Message != poison || !errors.Is(dead[0].Reason, actor.ErrNotPortable) {
			t.Errorf("got %d dead letters, want the poison", len(dead))
		}
		if s := a.r.PeerStats()[0]; s.Queued < 0 || s.Queued > 100 {
			t.Errorf("got %d bytes queued, want those of the good one", s.Queued)
		}
	})
}
