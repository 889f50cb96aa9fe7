package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
)

// config is what the flags say.
type config struct {
	show     string
	n        int // hand-overs to see
	entities int
	state    int // bytes of an entity's state
	moves    int // sharding.Settings.Moves
	profile  string
	heap     string // file for a profile of the memory
}

func main() {
	var cfg config
	flag.StringVar(&cfg.show, "show", "handover", "handover, join, ask or idle")
	flag.IntVar(&cfg.n, "n", 100, "handover: how many to see at least")
	flag.IntVar(&cfg.entities, "entities", 56000, "join, idle: how many entities run")
	flag.IntVar(&cfg.state, "state", 100, "join: bytes of state of each")
	flag.IntVar(&cfg.moves, "moves", 0, "slots that a node hands over at a time; 0 = the default")
	flag.StringVar(&cfg.profile, "cpuprofile", "", "join: write a profile of the CPU here, from the start of the fourth node on")
	flag.StringVar(&cfg.heap, "memprofile", "", "idle: write a profile of the memory here")
	flag.Parse()
	if cfg.heap != "" {
		runtime.MemProfileRate = 4096 // it counts from the start
	}
	if err := run(context.Background(), cfg, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "shards:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config, out io.Writer) error {
	shows := map[string]func(context.Context, config, io.Writer) error{
		"handover": showHandOver, "join": showJoin, "ask": showAsk, "idle": showIdle,
	}
	show, ok := shows[cfg.show]
	if !ok {
		return fmt.Errorf("nothing is called %q", cfg.show)
	}
	return show(ctx, cfg, out)
}
