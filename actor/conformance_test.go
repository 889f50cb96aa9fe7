package actor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

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
