package actor_test

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
)

// What one actor may rely on.

func lifecycleCases() []conformanceCase {
	return []conformanceCase{
		{name: "started, stopping, stopped", stock: "", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, "one")
			s.check(s.root.PoisonFuture(pid).Wait() == nil, "poison timed out")
			s.expect("started", "one", "stopping", "stopped")
		}},
		{name: "stop right after spawn", stock: "", play: func(s *stage) {
			for range 50 {
				s.check(s.root.StopFuture(s.spawn(s.noteAll)).Wait() == nil, "stop timed out")
				s.expect("started", "stopping", "stopped")
			}
		}},
		{name: "poison waits for what is queued", stock: "", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			for i := range 3 {
				s.root.Send(pid, i)
			}
			s.check(s.root.PoisonFuture(pid).Wait() == nil, "poison timed out")
			s.expect("started", "0", "1", "2", "stopping", "stopped")
		}},
		{name: "restart", stock: "", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, "fail")
			s.root.Send(pid, "next")
			time.Sleep(time.Second)
			s.expect("started", "fail", "restarting", "started", "next")
		}},
		{name: "restarts back off", stock: "11 starts in no time", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			for range 9 {
				s.root.Send(pid, "fail")
			}
			time.Sleep(100 * time.Millisecond)
			s.mu.Lock()
			defer s.mu.Unlock()
			n := strings.Count(strings.Join(s.lines, " "), "started")
			s.check(n >= 2 && n <= 5, "%d starts within 100 ms, want a few", n)
		}},
		{name: "a failed stop is a stop", stock: "a panic in Stopped leaves watchers waiting", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				if _, ok := c.Message().(*pa.Stopped); ok {
					panic("no")
				}
			})
			s.check(s.root.StopFuture(pid).Wait() == nil, "nobody was told of the end")
		}},
		{name: "what is left at stop is dead letters", stock: "it is dropped", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, func(c pa.Context) {
				for i := range 3 {
					c.Send(c.Self(), i)
				}
				c.Stop(c.Self())
			})
			synctest.Wait()
			s.expect("started", "stopping", "stopped")
			s.check(len(s.dead.list()) == 3, "%d dead letters, want 3", len(s.dead.list()))
		}},
		{name: "after the end, dead letters", stock: "", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			s.check(s.root.StopFuture(pid).Wait() == nil, "stop timed out")
			s.root.Send(pid, "hello")
			s.check(len(s.dead.list()) == 1, "%d dead letters, want 1", len(s.dead.list()))
			s.check(s.request(pid, "hello") == pa.ErrDeadLetter, "who asks a dead actor waits")
		}},
		{name: "the first and the last word reach others", stock: "", play: func(s *stage) {
			other := s.spawn(s.noteAll)
			pid := s.spawn(func(c pa.Context) {
				switch c.Message().(type) {
				case *pa.Started, *pa.Stopping:
					c.Send(other, fmt.Sprintf("%T", c.Message()))
				}
			})
			s.check(s.root.StopFuture(pid).Wait() == nil, "stop timed out")
			synctest.Wait()
			s.expect("started", "*actor.Started", "*actor.Stopping")
		}},
		{name: "a stop can be waited for", stock: "", play: func(s *stage) {
			pid := s.spawn(func(pa.Context) {})
			got, err := s.root.StopFuture(pid).Result()
			end, ok := got.(*pa.Terminated)
			s.check(err == nil && ok && end.Who.Equal(pid), "result = %v, %v, want its Terminated", got, err)
			_, found := s.sys.Proto().ProcessRegistry.Get(pid)
			s.check(!found, "it has stopped, and is registered")
		}},
		{name: "a watch that comes while stopping", stock: "", play: func(s *stage) {
			watcher, _ := s.root.SpawnNamed(s.props(s.noteAll), "watcher")
			pid, _ := s.root.SpawnNamed(s.props(func(c pa.Context) {
				if _, ok := c.Message().(*pa.Stopping); ok {
					p, _ := s.sys.Proto().ProcessRegistry.Get(c.Self())
					p.SendSystemMessage(c.Self(), &pa.Watch{Watcher: watcher})
				}
			}), "ending")
			s.check(s.root.StopFuture(pid).Wait() == nil, "stop timed out")
			synctest.Wait()
			s.expect("started", "terminated ending")
		}},
		{name: "found by its name", stock: "", play: func(s *stage) {
			_, err := s.root.SpawnNamed(s.props(func(c pa.Context) {
				if c.Message() == "count" {
					c.Respond(1)
				}
			}), "counter")
			s.check(err == nil, "error = %v", err)
			got := s.request(s.sys.Proto().NewLocalPID("counter"), "count")
			s.check(got == 1, "answer = %v, want 1", got)
		}},
		{name: "cloned props", stock: "", play: func(s *stage) {
			pid := s.root.Spawn(s.props(s.noteAll).Clone())
			s.check(s.root.StopFuture(pid).Wait() == nil, "stop timed out")
			s.expect("started", "stopping", "stopped")
		}},
		{name: "a name given anew", stock: "", play: func(s *stage) {
			first, _ := s.root.SpawnNamed(s.props(func(pa.Context) {}), "x")
			s.root.Send(first, "remember the process")
			_, err := s.root.SpawnNamed(s.props(func(pa.Context) {}), "x")
			s.check(err == pa.ErrNameExists, "error = %v, want ErrNameExists", err)
			s.check(s.root.StopFuture(first).Wait() == nil, "stop timed out")
			_, err = s.root.SpawnNamed(s.props(s.noteAll), "x")
			s.check(err == nil, "error = %v", err)
			s.root.Send(first, "hello")
			synctest.Wait()
			s.expect("started", "hello")
		}},
	}
}

func messageCases() []conformanceCase {
	return []conformanceCase{
		{name: "answer", stock: "", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				if m, ok := c.Message().(string); ok {
					c.Respond(m + "!")
				}
			})
			got := s.request(pid, "hi")
			s.check(got == "hi!", "answer = %v", got)
		}},
		{name: "an empty header", stock: "", play: func(s *stage) {
			other := s.spawn(func(c pa.Context) {
				if c.Message() == "how many?" {
					c.Respond(len(c.MessageHeader().Keys()))
				}
			})
			pid := s.spawn(func(c pa.Context) {
				switch m := c.Message().(type) {
				case string:
					c.Request(other, m)
				case int:
					s.add(fmt.Sprint(m, " keys"))
				}
			})
			s.root.Send(pid, "how many?")
			got := s.request(other, "how many?")
			synctest.Wait()
			s.check(got == 0, "a future gets %v, want 0", got)
			s.expect("0 keys")
		}},
		{name: "a future is piped to the actor", stock: "", play: func(s *stage) {
			echo := s.spawn(func(c pa.Context) {
				if c.Message() == "ask" {
					c.Respond("answer")
				}
			})
			pid := s.spawn(func(c pa.Context) {
				switch m := c.Message().(type) {
				case string:
					s.add(m)
				case error:
					s.add(m.Error())
				}
			})
			s.root.RequestFuture(echo, "ask", time.Second).PipeTo(pid)
			synctest.Wait()
			s.root.RequestFuture(echo, "no answer", time.Second).PipeTo(pid)
			time.Sleep(2 * time.Second)
			s.expect("answer", pa.ErrTimeout.Error())
		}},
		{name: "answer to nobody is a dead letter", stock: "", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				if _, ok := c.Message().(string); ok {
					c.Respond("nobody asked")
				}
			})
			s.root.Send(pid, "hi")
			synctest.Wait()
			got := s.dead.list()
			s.check(len(got) == 1 && got[0].To == nil, "dead letters = %v", got)
		}},
		{name: "a request is answered to the actor", stock: "", play: func(s *stage) {
			pong := s.spawn(func(c pa.Context) {
				if c.Message() == "ping" {
					c.Respond("pong")
				}
			})
			ping := s.spawn(func(c pa.Context) {
				if c.Message() == "go" {
					c.Request(pong, "ping")
				} else if c.Message() == "pong" {
					s.add("pong")
				}
			})
			for range 3 {
				s.root.Send(ping, "go")
			}
			synctest.Wait()
			s.expect("pong", "pong", "pong")
		}},
		{name: "forward keeps sender and header", stock: "", play: func(s *stage) {
			last := s.spawn(func(c pa.Context) {
				if c.Message() == "hi" {
					c.Respond(c.MessageHeader().Get("k"))
				}
			})
			first := s.spawn(func(c pa.Context) {
				if c.Message() == "hi" {
					c.Forward(last)
				}
			})
			f := pa.NewFuture(s.sys.Proto(), time.Minute)
			env := &pa.MessageEnvelope{Message: "hi", Sender: f.PID()}
			env.SetHeader("k", "v")
			s.root.Send(first, env)
			got, _ := f.Result()
			s.check(got == "v", "answer = %v, want the header", got)
		}},
		{name: "the sender of a cell's request can be kept", stock: "", play: func(s *stage) {
			var kept *pa.PID
			keeper := s.spawn(func(c pa.Context) {
				if c.Message() == "hi" {
					kept = c.Sender()
				}
			})
			asker := s.spawn(s.noteAll)
			s.root.Send(asker, func(c pa.Context) { c.Request(keeper, "hi") })
			synctest.Wait()
			s.root.Send(kept, "later")
			synctest.Wait()
			s.expect("started", "later")
		}},
		{name: "members of a batch, once", stock: "the batch itself is received as well", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, batch{"a", "b"})
			synctest.Wait()
			s.expect("started", "a", "b")
		}},
		{name: "auto-respond", stock: "", play: func(s *stage) {
			pid := s.spawn(func(pa.Context) {})
			got, ok := s.request(pid, &pa.Touch{}).(*pa.Touched)
			s.check(ok && got.Who.Equal(pid), "answer = %v", got)
		}},
		{name: "stash in order", stock: "a stack", play: func(s *stage) {
			open := false
			pid := s.spawn(func(c pa.Context) {
				switch m := c.Message().(type) {
				case *pa.Restarting:
					open = true
				case string:
					if m == "fail" {
						panic(m)
					}
					if !open {
						c.Stash()
						return
					}
					s.add(m)
				}
			})
			for _, m := range []string{"1", "2", "3", "fail", "4"} {
				s.root.Send(pid, m)
			}
			time.Sleep(time.Second)
			s.expect("1", "2", "3", "4")
		}},
		{name: "stash keeps the sender", stock: "the sender is lost", play: func(s *stage) {
			open := false
			pid := s.spawn(func(c pa.Context) {
				switch c.Message().(type) {
				case *pa.Restarting:
					open = true
				case string:
					if !open {
						c.Stash()
						panic("restart")
					}
					c.Respond("kept")
				}
			})
			got := s.request(pid, "hi")
			s.check(got == "kept", "answer = %v", got)
		}},
		{name: "re-entrance", stock: "", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				switch c.Message() {
				case "work":
					c.Respond("done")
				case "start":
					f := c.RequestFuture(c.Self(), "work", time.Minute)
					c.ReenterAfter(f, func(res any, err error) { c.Respond(fmt.Sprintf("%v %v %v", res, err, c.Message())) })
				}
			})
			got := s.request(pid, "start")
			s.check(got == "done <nil> start", "answer = %v", got)
		}},
		{name: "re-entrance tells errors", stock: "", play: func(s *stage) {
			silent := s.spawn(func(pa.Context) {})
			pid := s.spawn(func(c pa.Context) {
				if c.Message() == "start" {
					c.ReenterAfter(c.RequestFuture(silent, "?", time.Second), func(_ any, err error) { c.Respond(err) })
				}
			})
			got := s.request(pid, "start")
			s.check(got == pa.ErrTimeout, "answer = %v", got)
		}},
		{name: "re-entrance takes its turn", stock: "continuations overtake the mailbox", play: func(s *stage) {
			f := pa.NewFuture(s.sys.Proto(), time.Minute)
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, func(c pa.Context) {
				c.ReenterAfter(f, func(any, error) { s.add("continued") })
				c.Send(c.Self(), "queued")
				s.root.Send(f.PID(), "result")
			})
			synctest.Wait()
			s.expect("started", "queued", "continued")
		}},
		{name: "behaviors", stock: "", play: func(s *stage) {
			b := pa.NewBehavior()
			b.Become(func(c pa.Context) {
				if c.Message() == "push" {
					b.BecomeStacked(func(c pa.Context) {
						s.note(c)
						b.UnbecomeStacked()
					})
				}
			})
			pid := s.spawn(b.Receive)
			for _, m := range []string{"lost", "push", "noted", "lost too"} {
				s.root.Send(pid, m)
			}
			synctest.Wait()
			s.expect("noted")
		}},
		{name: "a lifecycle message is not a user message", stock: "", play: func(s *stage) {
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, &pa.Stop{})
			s.root.Send(pid, "alive")
			synctest.Wait()
			s.expect("started", "stop", "alive")
		}},
	}
}

// batch is a protoactor batch of texts.
type batch []any

func (b batch) GetMessages() []any { return b }
