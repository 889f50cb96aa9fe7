package main

import (
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/sim"
)

func TestLive(t *testing.T) {
	if err := live(sim.Day{Seed: 1, Nodes: 5, Length: 2 * time.Minute, Loss: 0.01}, time.Minute); err != nil {
		t.Error(err)
	}
}
