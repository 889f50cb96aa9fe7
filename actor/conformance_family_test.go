package actor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/ctxext"
)

// What actors among others may rely on, and what wraps them.

func familyCases() []conformanceCase {
	return []conformanceCase{
		{name: "children", stock: "", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				switch c.Message() {
				case "spawn":
					c.Spawn(s.props(func(pa.Context) {}))
				case "count":
					c.Respond(len(c.Children()))
				}
			})
			for range 10 {
				s.root.Send(pid, "spawn")
			}
			got := s.request(pid, "count")
			s.check(got == 10, "children = %v", got)
		}},
		{name: "children first", stock: "", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				switch m := c.Message().(type) {
				case *pa.Started:
					_, err := c.SpawnNamed(s.props(func(c pa.Context) {
						if _, ok := c.Message().(*pa.Stopped); ok {
							s.add("child " + c.Self().Id + " of " + c.Parent().Id)
						}
					}), "kid")
					s.check(err == nil, "%v", err)
				case *pa.Stopped:
					s.add(fmt.Sprintf("parent of %d", len(c.Children())))
				default:
					_ = m
				}
			})
			s.check(s.root.StopFuture(pid).Wait() == nil, "stop timed out")
			s.expect("child "+pid.Id+"/kid of "+pid.Id, "parent of 0")
		}},
		{name: "one end of a child, watched or not", stock: "a parent that watches hears it twice", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				switch c.Message().(type) {
				case *pa.Started:
					a, _ := c.SpawnNamed(s.props(func(pa.Context) {}), "a")
					b, _ := c.SpawnNamed(s.props(func(pa.Context) {}), "b")
					c.Watch(b)
					c.Stop(a)
					c.Stop(b)
				case *pa.Terminated:
					s.note(c)
				}
			})
			synctest.Wait()
			slices.Sort(s.lines)
			s.expect("terminated a", "terminated b")
			s.root.Stop(pid)
		}},
		{name: "watch", stock: "", play: func(s *stage) {
			other, _ := s.root.SpawnNamed(s.props(func(pa.Context) {}), "other")
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, func(c pa.Context) { c.Watch(other); c.Watch(other) })
			synctest.Wait()
			s.check(s.root.StopFuture(other).Wait() == nil, "stop timed out")
			synctest.Wait()
			s.expect("started", "terminated other")
			s.root.Send(pid, func(c pa.Context) { c.Watch(other) })
			synctest.Wait()
			s.expect("terminated other")
		}},
		{name: "unwatch", stock: "", play: func(s *stage) {
			other := s.spawn(func(pa.Context) {})
			pid := s.spawn(s.noteAll)
			s.root.Send(pid, func(c pa.Context) { c.Watch(other); c.Unwatch(other) })
			synctest.Wait()
			s.check(s.root.StopFuture(other).Wait() == nil, "stop timed out")
			synctest.Wait()
			s.expect("started")
		}},
		{name: "extensions", stock: "", play: func(s *stage) {
			ext := &mark{}
			pid := s.spawn(func(c pa.Context) {
				switch c.Message() {
				case "set":
					c.Set(ext)
				case "get":
					c.Respond(c.Get(ext.ExtensionID()))
				}
			})
			s.root.Send(pid, "set")
			got := s.request(pid, "get")
			s.check(got == ext, "extension = %v", got)
		}},
		{name: "no extension", stock: "an id beyond 2 panics", play: func(s *stage) {
			pid := s.spawn(func(c pa.Context) {
				if c.Message() == "get" {
					c.Respond(c.Get(7) == nil)
				}
			})
			got, _ := s.root.RequestFuture(pid, "get", time.Second).Result()
			s.check(got == true, "answer = %v", got)
		}},
	}
}

type mark struct{}

func (*mark) ExtensionID() ctxext.ContextExtensionID { return 1 }

func timeoutCases() []conformanceCase {
	idle := func(s *stage) *pa.PID {
		return s.spawn(func(c pa.Context) {
			switch c.Message().(type) {
			case *pa.Started:
				c.SetReceiveTimeout(time.Second)
			case func(pa.Context):
				c.Message().(func(pa.Context))(c)
			case *pa.ReceiveTimeout, string:
				s.note(c)
			}
		})
	}
	return []conformanceCase{
		{name: "receive time-out", stock: "", play: func(s *stage) {
			idle(s)
			time.Sleep(1500 * time.Millisecond)
			s.expect("receivetimeout")
		}},
		{name: "receive time-outs repeat", stock: "one only", play: func(s *stage) {
			idle(s)
			time.Sleep(3500 * time.Millisecond)
			s.expect("receivetimeout", "receivetimeout", "receivetimeout")
		}},
		{name: "a message puts the time-out off", stock: "", play: func(s *stage) {
			pid := idle(s)
			for range 4 {
				time.Sleep(600 * time.Millisecond)
				s.root.Send(pid, "hi")
			}
			time.Sleep(900 * time.Millisecond)
			s.expect("hi", "hi", "hi", "hi")
			time.Sleep(200 * time.Millisecond)
			s.expect("receivetimeout")
		}},
		{name: "some messages do not put it off", stock: "", play: func(s *stage) {
			pid := idle(s)
			time.Sleep(600 * time.Millisecond)
			s.root.Send(pid, quiet{})
			time.Sleep(600 * time.Millisecond)
			s.expect("receivetimeout")
		}},
		{name: "cancelled", stock: "", play: func(s *stage) {
			pid := idle(s)
			s.root.Send(pid, func(c pa.Context) { c.CancelReceiveTimeout(); s.check(c.ReceiveTimeout() == 0, "still set") })
			time.Sleep(time.Minute)
			s.expect()
		}},
		{name: "none after the end", stock: "", play: func(s *stage) {
			s.check(s.root.StopFuture(idle(s)).Wait() == nil, "stop timed out")
			time.Sleep(time.Minute)
			s.expect()
			s.check(len(s.dead.list()) == 0, "dead letters = %v", s.dead.list())
		}},
	}
}

type quiet struct{}

func (quiet) NotInfluenceReceiveTimeout() {}

func middlewareCases() []conformanceCase {
	return []conformanceCase{
		{name: "receiver middleware", stock: "", play: func(s *stage) {
			wrap := func(name string) pa.ReceiverMiddleware {
				return func(next pa.ReceiverFunc) pa.ReceiverFunc {
					return func(c pa.ReceiverContext, env *pa.MessageEnvelope) {
						if m, ok := env.Message.(string); ok {
							env = &pa.MessageEnvelope{Message: m + name, Sender: env.Sender}
						}
						next(c, env)
					}
				}
			}
			pid := s.root.Spawn(s.make(func() pa.Actor { return pa.ReceiveFunc(s.noteAll) },
				knobs{receivers: []pa.ReceiverMiddleware{wrap("1"), wrap("2")}}))
			s.root.Send(pid, "m")
			s.check(s.root.PoisonFuture(pid).Wait() == nil, "poison timed out")
			s.expect("started", "m12", "stopping", "stopped")
		}},
		{name: "sender middleware", stock: "", play: func(s *stage) {
			other := s.spawn(func(c pa.Context) {
				if c.Message() == "ask" {
					c.Respond("answer")
				}
			})
			m := func(next pa.SenderFunc) pa.SenderFunc {
				return func(c pa.SenderContext, to *pa.PID, env *pa.MessageEnvelope) {
					s.add(fmt.Sprint("sends ", env.Message))
					next(c, to, env)
				}
			}
			pid := s.root.Spawn(s.make(func() pa.Actor {
				return pa.ReceiveFunc(func(c pa.Context) {
					if c.Message() == "go" {
						c.Send(other, "tell")
						c.Request(other, "request")
						_, err := c.RequestFuture(other, "ask", time.Minute).Result()
						s.check(err == nil, "%v", err)
						c.Respond("reply")
					}
				})
			}, knobs{senders: []pa.SenderMiddleware{m}}))
			got := s.request(pid, "go")
			s.check(got == "reply", "answer = %v", got)
			s.expect("sends tell", "sends request", "sends ask", "sends reply")
		}},
		{name: "spawn middleware", stock: "", play: func(s *stage) {
			m := func(next pa.SpawnFunc) pa.SpawnFunc {
				return func(ps *pa.ActorSystem, id string, props *pa.Props, c pa.SpawnerContext) (*pa.PID, error) {
					s.add("spawns " + id[strings.LastIndexByte(id, '/'):])
					return next(ps, id, props, c)
				}
			}
			pid := s.root.Spawn(s.make(func() pa.Actor {
				return pa.ReceiveFunc(func(c pa.Context) {
					if c.Message() == "go" {
						_, err := c.SpawnNamed(s.props(func(pa.Context) {}), "kid")
						c.Respond(err == nil && len(c.Children()) == 1)
					}
				})
			}, knobs{spawners: []pa.SpawnMiddleware{m}}))
			got := s.request(pid, "go")
			s.check(got == true, "answer = %v", got)
			s.expect("spawns /kid")
		}},
		{name: "context decorator", stock: "", play: func(s *stage) {
			d := func(next pa.ContextDecoratorFunc) pa.ContextDecoratorFunc {
				return func(c pa.Context) pa.Context { return &decorated{next(c)} }
			}
			pid := s.root.Spawn(s.make(func() pa.Actor {
				return pa.ReceiveFunc(func(c pa.Context) {
					if c.Message() == "hi" {
						_, ok := c.(*decorated)
						c.Respond(ok)
					}
				})
			}, knobs{decorators: []pa.ContextDecorator{d}}))
			got := s.request(pid, "hi")
			s.check(got == true, "the actor sees the bare context: %v", got)
		}},
		{name: "on init", stock: "", play: func(s *stage) {
			pid := s.root.Spawn(s.make(func() pa.Actor { return pa.ReceiveFunc(s.noteAll) },
				knobs{inits: []func(pa.Context){func(c pa.Context) { s.add("init of " + c.Self().Id) }}}))
			synctest.Wait()
			s.expect("init of "+pid.Id, "started")
		}},
	}
}

type decorated struct{ pa.Context }

func strategyCases() []conformanceCase {
	// family spawns a parent under a strategy, with the children a and b.
	family := func(s *stage, strategy pa.SupervisorStrategy) (a, b *pa.PID) {
		born := make(chan struct{}, 2)
		kid := func(name string) *pa.Props {
			return s.props(func(c pa.Context) {
				switch m := c.Message().(type) {
				case *pa.Started, *pa.Restarting, *pa.Stopped:
					s.add(name + " " + strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", m), "*actor.")))
				case string:
					if m == "fail" {
						panic(m)
					}
					s.add(name + " " + m)
				}
			})
		}
		s.root.Spawn(s.make(func() pa.Actor {
			return pa.ReceiveFunc(func(c pa.Context) {
				if _, ok := c.Message().(*pa.Started); ok {
					a, _ = c.SpawnNamed(kid("a"), "a")
					b, _ = c.SpawnNamed(kid("b"), "b")
					born <- struct{}{}
				}
			})
		}, knobs{strategy: strategy}))
		<-born
		synctest.Wait()
		s.lines = nil
		return a, b
	}
	always := func(d pa.Directive) pa.DeciderFunc { return func(any) pa.Directive { return d } }
	sorted := func(s *stage) { synctest.Wait(); s.mu.Lock(); slices.Sort(s.lines); s.mu.Unlock() }
	return []conformanceCase{
		{name: "one for one restarts one", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewOneForOneStrategy(10, time.Second, always(pa.RestartDirective)))
			s.root.Send(a, "fail")
			synctest.Wait()
			s.expect("a restarting", "a started")
		}},
		{name: "one for one stops beyond its limit", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewOneForOneStrategy(2, time.Second, always(pa.RestartDirective)))
			for range 3 {
				s.root.Send(a, "fail")
			}
			synctest.Wait()
			s.expect("a restarting", "a started", "a restarting", "a started", "a stopped")
		}},
		{name: "one for one resumes", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewOneForOneStrategy(2, time.Second, always(pa.ResumeDirective)))
			s.root.Send(a, "fail")
			s.root.Send(a, "next")
			synctest.Wait()
			s.expect("a next")
		}},
		{name: "all for one restarts all", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewAllForOneStrategy(10, time.Second, always(pa.RestartDirective)))
			s.root.Send(a, "fail")
			sorted(s)
			s.expect("a restarting", "a started", "b restarting", "b started")
		}},
		{name: "all for one stops all", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewAllForOneStrategy(10, time.Second, always(pa.StopDirective)))
			s.root.Send(a, "fail")
			sorted(s)
			s.expect("a stopped", "b stopped")
		}},
		{name: "escalation restarts the parent", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewOneForOneStrategy(10, time.Second, always(pa.EscalateDirective)))
			s.root.Send(a, "fail")
			time.Sleep(time.Second)
			s.mu.Lock()
			defer s.mu.Unlock()
			slices.Sort(s.lines)
			want := []string{"a started", "a stopped", "b started", "b stopped"}
			s.check(slices.Equal(s.lines, want), "diary = %q, want %q", s.lines, want)
		}},
		{name: "the decider sees what was thrown", stock: "", play: func(s *stage) {
			a, _ := family(s, pa.NewOneForOneStrategy(10, time.Second, func(reason any) pa.Directive {
				s.add(fmt.Sprintf("%T %v", reason, reason))
				return pa.StopDirective
			}))
			s.root.Send(a, "fail")
			synctest.Wait()
			s.expect("string fail", "a stopped")
		}},
		{name: "an actor may be the strategy", stock: "", play: func(s *stage) {
			s.root.Spawn(s.make(func() pa.Actor { return &boss{s} }, knobs{}))
			synctest.Wait()
			s.expect("boss heard fail")
		}},
		{name: "supervision is an event", stock: "", play: func(s *stage) {
			s.sys.Proto().EventStream.Subscribe(func(e any) {
				if e, ok := e.(*pa.SupervisorEvent); ok {
					s.add(e.Directive.String())
				}
			})
			a, _ := family(s, pa.NewRestartingStrategy())
			s.root.Send(a, "fail")
			synctest.Wait()
			s.expect(pa.RestartDirective.String(), "a restarting", "a started")
		}},
	}
}

type boss struct{ s *stage }

func (b *boss) Receive(c pa.Context) {
	if _, ok := c.Message().(*pa.Started); ok {
		c.Send(c.Spawn(b.s.props(func(c pa.Context) {
			if m, ok := c.Message().(string); ok {
				panic(m)
			}
		})), "fail")
	}
}

func (b *boss) HandleFailure(_ *pa.ActorSystem, sup pa.Supervisor, child *pa.PID, _ *pa.RestartStatistics, reason, _ any) {
	b.s.add(fmt.Sprint("boss heard ", reason))
	sup.StopChildren(child)
}
