package actor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/ctxext"

	"github.com/pando-go/pando/actor"
)

// The suite states what an untyped actor may rely on, and holds both protoactor's
// own context and this package's cell to it. Where protoactor is wrong, the case
// says why; that it fails there is then part of the suite.

// knobs are the options that both sides have.
type knobs struct {
	receivers  []pa.ReceiverMiddleware
	senders    []pa.SenderMiddleware
	spawners   []pa.SpawnMiddleware
	decorators []pa.ContextDecorator
	inits      []func(pa.Context)
	strategy   pa.SupervisorStrategy
}

func stockProps(p pa.Producer, k knobs) *pa.Props {
	opts := []pa.PropsOption{
		pa.WithReceiverMiddleware(k.receivers...), pa.WithSenderMiddleware(k.senders...),
		pa.WithSpawnMiddleware(k.spawners...), pa.WithOnInit(k.inits...),
	}
	if len(k.decorators) > 0 {
		opts = append(opts, pa.WithContextDecorator(k.decorators...))
	}
	if k.strategy != nil {
		opts = append(opts, pa.WithSupervisor(k.strategy))
	}
	return pa.PropsFromProducer(p, opts...)
}

func cellProps(p pa.Producer, k knobs) *pa.Props {
	opts := []actor.SpawnOption{
		actor.WithReceiverMiddleware(k.receivers...), actor.WithSenderMiddleware(k.senders...),
		actor.WithSpawnMiddleware(k.spawners...), actor.WithOnInit(k.inits...),
		actor.WithContextDecorator(k.decorators...),
	}
	if k.strategy != nil {
		opts = append(opts, actor.WithStrategy(k.strategy))
	}
	return actor.CellProps(p, opts...)
}

// stage is where a case plays.
type stage struct {
	*diary
	sys   *actor.System
	root  *pa.RootContext
	make  func(pa.Producer, knobs) *pa.Props
	dead  *letters
	faded []string // what is wrong
}

func (s *stage) props(f pa.ReceiveFunc) *pa.Props {
	return s.make(func() pa.Actor { return f }, knobs{})
}

func (s *stage) spawn(f pa.ReceiveFunc) *pa.PID { return s.root.Spawn(s.props(f)) }

// expect compares what the diary says with what it should say.
func (s *stage) expect(want ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.lines, want) {
		s.faded = append(s.faded, fmt.Sprintf("diary = %q, want %q", s.lines, want))
	}
	s.lines = nil
}

func (s *stage) check(ok bool, format string, args ...any) {
	if !ok {
		s.faded = append(s.faded, fmt.Sprintf(format, args...))
	}
}

// request asks the way protoactor's users do.
func (s *stage) request(pid *pa.PID, msg any) any {
	got, err := s.root.RequestFuture(pid, msg, time.Minute).Result()
	if err != nil {
		return err
	}
	return got
}

// note writes a message of any kind into the diary.
func (s *stage) note(c pa.Context) {
	switch m := c.Message().(type) {
	case *pa.Terminated:
		s.add("terminated " + m.Who.Id[strings.LastIndexByte(m.Who.Id, '/')+1:])
	case string, int:
		s.add(fmt.Sprint(m))
	default:
		s.add(strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", m), "*actor.")))
	}
}

// noteAll is an actor that writes everything down, panics at "fail", and runs
// functions that it is sent.
func (s *stage) noteAll(c pa.Context) {
	if f, ok := c.Message().(func(pa.Context)); ok {
		f(c)
		return
	}
	s.note(c)
	if c.Message() == "fail" {
		panic("fail")
	}
}

type conformanceCase struct {
	name  string
	stock string // what protoactor does in place of this; "" = it conforms
	play  func(s *stage)
	races bool // protoactor's timer writes what the actor reads
}

func TestConformance(t *testing.T) {
	hosts := map[string]func(pa.Producer, knobs) *pa.Props{"protoactor": stockProps, "cell": cellProps}
	for host, props := range hosts {
		for _, c := range conformanceCases() {
			t.Run(host+"/"+strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
				known := host == "protoactor" && c.stock != ""
				if raceDetector && host == "protoactor" && c.races {
					t.Skip("protoactor's receive time-out is a data race")
				}
				synctest.Test(t, func(t *testing.T) {
					sys := newSystem(t, actor.Config{Small: true})
					s := &stage{diary: &diary{}, sys: sys, root: sys.Proto().Root, make: props, dead: collect(sys)}
					c.play(s)
					switch {
					case known && len(s.faded) == 0:
						t.Errorf("protoactor conforms by now; the suite says: %s", c.stock)
					case !known && len(s.faded) > 0:
						t.Error(strings.Join(s.faded, "\n"))
					}
				})
			})
		}
	}
}

func conformanceCases() []conformanceCase {
	timeouts := timeoutCases()
	for i := range timeouts {
		timeouts[i].races = true
	}
	return slices.Concat(lifecycleCases(), messageCases(), familyCases(), timeouts, middlewareCases(), strategyCases())
}

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
