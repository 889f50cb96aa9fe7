// Command heartbeats prints how late control messages arrive between two
// processes while the user lanes between them are saturated and messages of
// 64 MiB pass.
//
//	go run ./remote/internal/cmd/heartbeats -d 20s
//
// It starts itself again as the other node. Each phase sends a control message
// every few milliseconds; its lateness is the time from when it was due to when
// the other process handled it, by the clock that both share. The command fails
// when the 99th percentile of a phase is above the budget.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote"
)

var (
	duration = flag.Duration("d", 10*time.Second, "length of each phase")
	every    = flag.Duration("every", 5*time.Millisecond, "time between two heartbeats")
	budget   = flag.Duration("budget", 50*time.Millisecond, "what the 99th percentile may be")
	size     = flag.Int("size", 64<<20, "bytes of a large message")
	child    = flag.Bool("child", false, "be the other node")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := measure
	if *child {
		run = receive
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "heartbeats:", err)
		os.Exit(1)
	}
}

// node is an actor system that other processes reach.
type node struct {
	*actor.System
	r *remote.Remote
}

func start() (*node, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	sys, err := actor.NewSystem(actor.Config{
		Name: "beats", Address: ln.Addr().String(), UID: uint64(time.Now().UnixNano()), Logger: log,
	})
	if err != nil {
		return nil, err
	}
	r, err := remote.Listen(sys, ln, remote.Config{
		Logger: log, Expose: []string{"sink"}, MaxMessage: *size + 1<<10, QueueBytes: 2*(*size) + 1<<20,
	})
	if err != nil {
		return nil, err
	}
	return &node{sys, r}, nil
}

func (n *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n.r.Close(ctx) // what is left of the load is of no interest
	n.System.Close(ctx)
}

// receive is the other node: it takes all and answers heartbeats with their
// lateness.
func receive(ctx context.Context) error {
	n, err := start()
	if err != nil {
		return err
	}
	defer n.close()
	if _, err := actor.Spawn(n.System, "sink", actor.Func(func(*actor.Context[any], any) error { return nil })); err != nil {
		return err
	}
	n.r.Handle("beat", remote.Service{Receive: func(from remote.Node, due []byte) {
		late := time.Now().UnixNano() - int64(binary.BigEndian.Uint64(due))
		n.r.Post(from, "late", binary.BigEndian.AppendUint64(nil, uint64(late)))
	}})
	fmt.Println(n.Address())
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent ends
	return err
}

func measure(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, os.Args[0], "-child", "-size", fmt.Sprint(*size))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer in.Close()
	n, err := start()
	if err != nil {
		return err
	}
	defer n.close()
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		return fmt.Errorf("the other node did not start: %w", err)
	}
	b := &bench{node: n, peer: address}
	n.r.Handle("late", remote.Service{Receive: b.late})
	fmt.Printf("%-34s %8s %10s %10s %10s %10s   %s\n", "phase", "beats", "p50", "p99", "p99.9", "max", "load")
	for _, p := range []phase{
		{"idle", nil},
		{"user lanes saturated", []func(context.Context){b.flood, b.flood}},
		{fmt.Sprintf("saturated, and %d MiB messages", *size>>20), []func(context.Context){b.flood, b.large}},
	} {
		if err := b.run(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

type phase struct {
	name string
	load []func(context.Context)
}

type bench struct {
	*node
	peer string

	messages, bytes atomic.Int64

	mu    sync.Mutex
	lates []time.Duration
}

// late takes an answer in.
func (b *bench) late(_ remote.Node, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lates = append(b.lates, time.Duration(binary.BigEndian.Uint64(payload)))
}

func (b *bench) run(ctx context.Context, p phase) error {
	ctx, cancel := context.WithTimeout(ctx, *duration)
	defer cancel()
	b.messages.Store(0)
	b.bytes.Store(0)
	var wg sync.WaitGroup
	for _, f := range p.load {
		wg.Go(func() { f(ctx) })
	}
	sent := b.beat(ctx)
	wg.Wait()
	time.Sleep(time.Second) // for the last answers
	b.mu.Lock()
	lates := b.lates
	b.lates = nil
	b.mu.Unlock()
	if len(lates) < sent*9/10 || sent == 0 {
		return fmt.Errorf("%s: %d of %d heartbeats answered", p.name, len(lates), sent)
	}
	slices.Sort(lates)
	at := func(q float64) time.Duration { return lates[int(q*float64(len(lates)-1))].Round(time.Microsecond) }
	secs := duration.Seconds()
	fmt.Printf("%-34s %8d %10v %10v %10v %10v   %.2f M/s, %.0f MB/s\n", p.name, len(lates), at(.5), at(.99), at(.999), at(1),
		float64(b.messages.Load())/secs/1e6, float64(b.bytes.Load())/secs/1e6)
	if at(.99) > *budget {
		return fmt.Errorf("%s: p99 of %v is above %v", p.name, at(.99), *budget)
	}
	return nil
}

// beat posts a heartbeat whenever one is due, and says how many it was.
func (b *bench) beat(ctx context.Context) (sent int) {
	ticker := time.NewTicker(*every)
	defer ticker.Stop()
	for {
		select {
		case due := <-ticker.C:
			b.r.Post(remote.Node{Address: b.peer}, "beat", binary.BigEndian.AppendUint64(nil, uint64(due.UnixNano())))
			sent++
		case <-ctx.Done():
			return sent
		}
	}
}

func (b *bench) sink() actor.Ref[any] {
	ref, err := actor.ParseRef[any](b.System, "pando://beats@"+b.peer+"/sink")
	if err != nil {
		panic(err) // an address that was just dialled
	}
	return ref
}

// flood sends small messages as fast as the queue takes them.
func (b *bench) flood(ctx context.Context) {
	sink, m := b.sink(), wrapperspb.Bytes(make([]byte, 60))
	for sink.Send(ctx, m) == nil {
		b.messages.Add(1)
		b.bytes.Add(64)
	}
}

// large sends one large message after the other.
func (b *bench) large(ctx context.Context) {
	sink, m := b.sink(), strings.Repeat("x", *size)
	for sink.Send(ctx, m) == nil {
		b.bytes.Add(int64(*size))
	}
}
