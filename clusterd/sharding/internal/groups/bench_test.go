//go:build unix

package groups

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time of this process so far: on a shared machine it says
// more than the wall clock.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCommit is the work of three nodes for one command at Quorum, from
// Propose to the Ack, with packets encoded and decoded: one in flight, and 64
// proposed together.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct {
		name  string
		batch int
	}{{"one", 1}, {"batch64", 64}} {
		b.Run(c.name, func(b *testing.B) {
			tr := newTrio(b, 3, Config{Shards: 4})
			tr.create(0, 1, 2, 3)
			tr.quick = true
			data := make([]byte, 100)
			id := uint64(0)
			b.ReportAllocs()
			begun := cpu()
			for b.Loop() {
				for range c.batch {
					id++
					tr.step(1, Propose{Shard: 0, ID: id, Level: Quorum, Data: data})
				}
				tr.settle()
				if id%4096 == 0 {
					for _, n := range tr.nodes { // a snapshot keeps the log short
						g := n.m.groups[0]
						tr.step(n.id, SnapshotReady{Shard: 0, Index: g.applied, Size: 1})
					}
					tr.settle()
				}
			}
			b.ReportMetric(float64(cpu()-begun)/float64(id), "cpu-ns/command")
		})
	}
}

// BenchmarkIdle is what one node of three does in one heartbeat interval when
// 256 groups are idle: its own heartbeats, and those of the two others answered.
func BenchmarkIdle(b *testing.B) {
	tr := newTrio(b, 3, Config{Shards: 256})
	for shard := range uint32(256) {
		p := uint64(shard) % 3
		tr.create(shard, p+1, (p+1)%3+1, (p+2)%3+1)
	}
	tr.run(time.Second)
	tr.quick = true
	b.Run("tick", func(b *testing.B) { // between heartbeats
		n := tr.nodes[0]
		b.ReportAllocs()
		for b.Loop() {
			n.m.Tick(tr.now)
			n.m.Ready()
		}
	})
	b.Run("beat", func(b *testing.B) {
		b.ReportAllocs()
		bytes, begun := 0, cpu()
		for b.Loop() {
			tr.now = tr.now.Add(tr.nodes[0].m.cfg.Timing.Beat)
			for _, n := range tr.nodes {
				n.m.Tick(tr.now)
			}
			tr.settle()
		}
		tr.now = tr.now.Add(tr.nodes[0].m.cfg.Timing.Beat)
		tr.nodes[0].m.Tick(tr.now)
		for _, p := range tr.nodes[0].m.Ready().Packets {
			bytes += len(p.Data)
		}
		b.ReportMetric(float64(cpu()-begun)/float64(b.N)/3, "cpu-ns/node")
		b.ReportMetric(float64(bytes)/2, "B/packet")
	})
}

// BenchmarkMemory is what an idle replica costs a node.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		tr := newTrio(b, 3, Config{Shards: 256})
		for shard := range uint32(256) {
			tr.create(shard, 1, 2, 3)
		}
		tr.quick = true
		for _, n := range tr.nodes {
			n.disk, n.state, n.all = nil, nil, Ready{}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/3/256, "B/replica")
		runtime.KeepAlive(tr)
	}
}
