package trial

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/sharding/boltstore"
	"github.com/pando-go/pando/clusterd/sharding/durable"
)

// Shards is how many shards a trial's cluster has.
const Shards = 64

// register holds a text: what it is told becomes its value, "" reads it.
type register struct{ text wrapperspb.StringValue }

func (r *register) State() proto.Message { return &r.text }

func (r *register) Receive(c *durable.Context, m *wrapperspb.StringValue) error {
	if m.Value == "" {
		c.Unchanged()
	} else {
		r.text.Value = m.Value
	}
	c.Reply(wrapperspb.String(r.text.Value))
	return nil
}

// Register is the kind of entities that trials use.
func Register(level durable.Level) durable.Kind[*wrapperspb.StringValue] {
	return durable.Kind[*wrapperspb.StringValue]{
		Name: "register", Level: level,
		New: func(string) durable.Behavior[*wrapperspb.StringValue] { return &register{} },
	}
}

// Plan is what all processes of a trial have in common.
type Plan struct {
	Preset string        // fast or lan
	Level  durable.Level // of the registers
	Pause  time.Duration // of a client between two operations
	// Patience is how long a client waits for an answer before it asks again: little
	// where primaries are killed, much where nobody may be left without one.
	Patience time.Duration
	Seeds    []string
}

func (p Plan) timing() engine.Timing {
	if p.Preset == "lan" {
		return engine.Lan()
	}
	return engine.Fast()
}

// The environment of a process that is to be a node.
const (
	envNode   = "PANDO_TRIAL_NODE" // its address
	envDir    = "PANDO_TRIAL_DIR"
	envSeeds  = "PANDO_TRIAL_SEEDS"
	envPreset = "PANDO_TRIAL_PRESET"
	envLevel  = "PANDO_TRIAL_LEVEL"
)

// Main makes this process a node of a trial, if that is what it was started for,
// and then never returns. Programs and tests call it first.
func Main() {
	address := os.Getenv(envNode)
	if address == "" {
		return
	}
	if err := runNode(address); err != nil {
		fmt.Fprintln(os.Stderr, address, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runNode(address string) error {
	plan := Plan{Preset: os.Getenv(envPreset), Seeds: strings.Split(os.Getenv(envSeeds), ",")}
	for l := durable.Quorum; l <= durable.All; l++ {
		if l.String() == os.Getenv(envLevel) {
			plan.Level = l
		}
	}
	data, err := boltstore.Open(os.Getenv(envDir))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	node, err := clusterd.Start(ctx, clusterd.Config{
		Name: "trial", Listen: address, Seeds: plan.Seeds, Timing: plan.timing(),
		Services: []clusterd.Service{durable.Host(durable.Config{Store: data, Shards: Shards}, Register(plan.Level))},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return node.Close()
	case <-node.Done():
		return node.Err()
	}
}
