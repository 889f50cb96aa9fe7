package clusterd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/seedjoin/discovery"
)

// discovered is a node that knows no seeds and has a source.
func (c *cluster) discovered(address string, source discovery.Source, expect int) Config {
	cfg := c.config(address)
	cfg.Seeds = nil
	cfg.Discovery = discovery.Config{Source: source, Every: time.Second, Margin: 2 * time.Second}
	cfg.Expect = expect
	return cfg
}

// Three nodes that are told of one another by a list form one cluster.
func TestDiscoveryStatic(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		list := discovery.Static{"a:1", "b:1", "c:1"}
		var nodes []*Node
		for _, a := range list {
			nodes = append(nodes, c.start(c.discovered(a, list, 3)))
		}
		for _, n := range nodes {
			c.ready(n)
			c.sees(n, list...)
		}
	})
}

// The contact points trickle into a file. Nothing is founded before a majority
// of those that are expected is there; the rest joins; whoever is removed and
// rejoins finds the cluster by the file as well.
func TestDiscoveryFile(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		path := filepath.Join(t.TempDir(), "contacts")
		write := func(addresses ...string) {
			t.Helper()
			if err := os.WriteFile(path+".new", []byte(strings.Join(addresses, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
		source := func() discovery.Source { return &discovery.File{Path: path} }
		a := c.start(c.discovered("a:1", source(), 3))
		time.Sleep(10 * time.Second) // no file yet
		write("a:1")
		time.Sleep(30 * time.Second)
		if id := a.View().ClusterID; id != "" && id != strings.Repeat("0", 32) {
			t.Fatalf("cluster %s was founded by one of three", id)
		}
		write("a:1", "b:1")
		b := c.start(c.discovered("b:1", source(), 3))
		c.ready(a)
		c.ready(b)
		write("c:1", "b:1", "a:1")
		d := c.start(c.discovered("d:1", source(), 3)) // is not in the list
		e := c.start(c.discovered("c:1", source(), 3))
		for _, n := range []*Node{a, b, e, d} {
			c.sees(n, "a:1", "b:1", "c:1", "d:1")
		}
		former := e.self()
		if err := a.Down(t.Context(), "c:1"); err != nil {
			t.Fatal(err)
		}
		c.rejoins(e, former)
	})
}

func TestDiscoveryConfig(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(cfg *Config)
		want   string
	}{
		{"with seeds", func(cfg *Config) { cfg.Seeds = seeds }, "takes the place of Seeds"},
		{"without Expect", func(cfg *Config) { cfg.Expect = 0 }, "Expect 0"},
		{"Expect beyond what is asked", func(cfg *Config) { cfg.Expect = 65 }, "Expect 65"},
		{"Expect alone", func(cfg *Config) { cfg.Discovery.Source = nil }, "Expect: it is for Discovery"},
		{"negative", func(cfg *Config) { cfg.Discovery.Every = -1 }, "negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{Name: "x", Listen: "127.0.0.1:1", Discovery: discovery.Config{Source: discovery.Static{"a:1"}}, Expect: 1}
			tt.change(&cfg)
			if err := cfg.validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// Every seed may found: the one at the head of the list is not needed.
func TestSymmetric(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		var nodes []*Node
		for _, a := range []string{"c:1", "b:1"} {
			cfg := c.config(a)
			cfg.Seeds, cfg.Symmetric = []string{"a:1", "b:1", "c:1"}, true
			nodes = append(nodes, c.start(cfg))
		}
		for _, n := range nodes {
			c.sees(n, "b:1", "c:1")
		}
	})
}

// Settings are compared key by key.
func TestSettingsAreRefused(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		with := func(address, v string) Config {
			cfg := c.config(address)
			cfg.Settings = map[string]string{"schema": v}
			return cfg
		}
		c.ready(c.start(with("a:1", "1")))
		c.ready(c.start(with("b:1", "1")))
		cfg := with("c:1", "2")
		cfg.Timing.LeaseFor *= 2
		n := c.start(cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var refused *RefusedError
		if err := n.Ready(ctx); !errors.As(err, &refused) {
			t.Fatalf("Ready() = %v, want a RefusedError", err)
		}
		for _, want := range []string{`user.schema is "2" here and "1" in the cluster`, `timing.lease is "1.6s" here and "800ms" in the cluster`} {
			if !strings.Contains(refused.Reason, want) {
				t.Errorf("reason %q, want it to say %q", refused.Reason, want)
			}
		}
	})
}

// islands starts two clusters that cannot reach each other, the older one first.
func (c *cluster) islands(change func(cfg *Config)) (older, later []*Node) {
	c.t.Helper()
	for _, x := range []string{"a:1", "b:1"} {
		c.isolate(true, x, "c:1", "d:1", "e:1")
	}
	side := func(head string, addresses ...string) (nodes []*Node) {
		for _, a := range addresses {
			cfg := c.config(a)
			cfg.Seeds, cfg.FoundAlone = []string{head, "a:1", "c:1"}, a == head
			change(&cfg)
			nodes = append(nodes, c.start(cfg))
		}
		for _, n := range nodes {
			c.sees(n, addresses...)
		}
		return nodes
	}
	older, later = side("a:1", "a:1", "b:1"), side("c:1", "c:1", "d:1", "e:1")
	if older[0].View().ClusterID == later[0].View().ClusterID {
		c.t.Fatal("one cluster, want two")
	}
	return older, later
}

func (c *cluster) join(x string, others ...string) { c.isolate(false, x, others...) }

// Two clusters of one name meet: the later one, though larger, joins the other
// in the same processes.
func TestIslandsHeal(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		older, later := c.islands(func(*Config) {})
		id := older[0].View().ClusterID
		for _, x := range []string{"a:1", "b:1"} {
			c.join(x, "c:1", "d:1", "e:1")
		}
		for _, n := range append(older, later...) {
			c.sees(n, "a:1", "b:1", "c:1", "d:1", "e:1")
			if got := n.View().ClusterID; got != id {
				t.Errorf("%s: cluster %s, want the older one, %s", n.address, got, id)
			}
		}
	})
}

// With ReportIslands both are told, with both sizes, and wait for the word.
func TestIslandsAreReported(t *testing.T) {
	nodeTest(t, func(t *testing.T, c *cluster) {
		older, later := c.islands(func(cfg *Config) { cfg.ReportIslands = true })
		told := map[*Node]chan IslandDetected{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, n := range []*Node{older[0], later[0]} {
			ch := make(chan IslandDetected, 64)
			told[n] = ch
			go func() {
				for e := range n.Events(ctx) {
					if i, ok := e.(IslandDetected); ok {
						ch <- i
					}
				}
			}()
		}
		for _, x := range []string{"a:1", "b:1"} {
			c.join(x, "c:1", "d:1", "e:1")
		}
		for n, want := range map[*Node][2]int{older[0]: {3, 2}, later[0]: {2, 3}} {
			// What was under way when the link was cut tells of a smaller cluster.
			c.eventually(fmt.Sprintf("%s is told of %d beside %d", n.address, want[0], want[1]), func() bool {
				select {
				case i := <-told[n]:
					return i.Size == want[0] && i.Own == want[1]
				default:
					return false
				}
			})
		}
		time.Sleep(20 * time.Second)
		c.sees(older[0], "a:1", "b:1")
		c.sees(later[0], "c:1", "d:1", "e:1")
		if err := older[0].Yield(t.Context()); err != nil { // the operator prefers the later one
			t.Fatal(err)
		}
		id := later[0].View().ClusterID
		for _, n := range append(older, later...) {
			c.sees(n, "a:1", "b:1", "c:1", "d:1", "e:1")
			if got := n.View().ClusterID; got != id {
				t.Errorf("%s: cluster %s, want %s", n.address, got, id)
			}
		}
	})
}
