package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sim"
)

// pageText is the page of a report: a template that shows its tables and embeds
// its data for the script that draws the pictures. It needs nothing else.
//
//go:embed page.html
var pageText string

// page is what a report shows.
type page struct {
	Title  string
	Story  string   // the script of the replay, with its output
	Spread []spread // how news spreads, by size and fan-out
	Rest   []resting
	Frames []frame // the replay
}

// spread tells how one change of one member reached all others.
type spread struct {
	Nodes    int     `json:"n"`
	Fanout   int     `json:"k"`
	Rounds   float64 `json:"rounds"`   // gossip intervals until everybody knew, the mean
	Messages float64 `json:"messages"` // that were sent meanwhile, beyond those at rest
}

// resting tells what a cluster costs that has nothing to do.
type resting struct {
	Nodes    int     `json:"n"`
	Messages float64 `json:"messages"` // sent a node and second
	Bytes    float64 `json:"bytes"`    // sent a node and second
}

// frame is one change of what somebody knows, or of the world.
type frame struct {
	At     int64  `json:"t"`              // milliseconds since the start
	Node   int    `json:"n,omitempty"`    // whose; 0 = the world's
	Row    string `json:"row,omitempty"`  // what it knows of each node, a letter each; "" = it has ended
	View   uint64 `json:"v,omitempty"`    // number of its newest active view
	Leader int    `json:"lead,omitempty"` // whom it takes for the leader; 0 = nobody
	Text   string `json:"x,omitempty"`    // what the world does
}

// The sizes and fan-outs of the pictures, and how often each is measured.
var (
	sizes   = []int{5, 10, 20, 50, 100}
	fanouts = []int{1, 2, 3}
)

const spreads = 5

// picture writes a page of pictures: how news spreads, what a cluster costs at
// rest, and a replay of a story.
func (o options) picture(out io.Writer, cfg sim.Config) error {
	p := page{Title: "Pando, simulated"}
	if err := o.replay(&p, cfg); err != nil {
		return err
	}
	for _, n := range sizes {
		for _, k := range fanouts {
			s, err := news(n, k)
			if err != nil {
				return err
			}
			p.Spread = append(p.Spread, s)
		}
		p.Rest = append(p.Rest, atRest(n))
	}
	file, err := os.Create(o.report)
	if err != nil {
		return err
	}
	if err := p.write(file); err != nil {
		_ = file.Close()
		return err
	}
	fmt.Fprintf(out, "%s: %d frames of a story, %d measurements of how news spreads\n", o.report, len(p.Frames), len(p.Spread))
	return file.Close()
}

// write fills in the page. JSON escapes what would end a script element.
func (p page) write(w io.Writer) error {
	data, err := json.Marshal(map[string]any{"spread": p.Spread, "rest": p.Rest, "frames": p.Frames})
	if err != nil {
		return err
	}
	t, err := template.New("page").Funcs(template.FuncMap{"text": template.HTMLEscapeString}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		page
		Data string
	}{p, string(data)})
}

// replay plays a story and keeps what everybody showed.
func (o options) replay(p *page, cfg sim.Config) error {
	story, err := o.story()
	if err != nil {
		return err
	}
	cfg.Seen = func(s sim.Sight) { p.Frames = append(p.Frames, frameOf(s)) }
	got, err := story.Run(cfg)
	p.Story = got.Text
	if err != nil {
		p.Story += "\n" + firstLine(err)
	}
	return nil
}

// story is what the replay shows: a script, a seed, or a cut and its healing.
func (o options) story() (sim.Script, error) {
	switch {
	case o.script != "":
		text, err := os.ReadFile(o.script)
		return sim.ParseScript(string(text)), err
	case o.seed != 0:
		return sim.Random(o.seed, o.nodes), nil
	}
	return sim.ParseScript(`# Seven nodes form a cluster; it is cut, heals, and one node leaves.
rejoin 1s
seeds n1 n2
start n1 n2 n3 n4 n5 n6 n7
run 10s
cut n1 n2 n3 | n4 n5 n6 n7
run 10s
heal
run 10s
leave n5
run 5s`), nil
}

func frameOf(s sim.Sight) frame {
	f := frame{At: s.At.Milliseconds(), Node: s.Node, Text: s.Action}
	if s.Node == 0 || s.Snapshot.Identity.IsZero() {
		return f
	}
	f.View, f.Leader = s.Snapshot.View, sim.ID(s.Snapshot.Leader)
	row := []byte{}
	for _, m := range s.Snapshot.Members {
		id := sim.ID(m.Address)
		for len(row) < id {
			row = append(row, '.')
		}
		row[id-1] = letter(m)
	}
	f.Row = string(row)
	return f
}

// letter is how a row shows a member: j, w, u, l, e or d for its status, in
// upper case while it is unreachable.
func letter(m engine.Member) byte {
	c := m.Status.String()[0]
	if !m.Reachable {
		c -= 'a' - 'A'
	}
	return c
}

// world returns a cluster of n nodes that has come to rest.
func world(seed uint64, n, fanout int) *sim.Sim {
	s := sim.New(sim.Config{Seed: seed, Seeds: []int{1, 2, 3}, Fanout: fanout})
	for id := 1; id <= n; id++ {
		s.Start(id)
	}
	s.Settle(time.Minute)
	s.Run(5 * time.Second)
	return s
}

// news has one member after the other tell something new of itself, and waits
// until all know it.
func news(n, fanout int) (spread, error) {
	s := world(1, n, fanout)
	at, packets := s.Now(), s.Packets()
	s.Run(5 * time.Second)
	usual := float64(s.Packets()-packets) / (s.Now() - at).Seconds()
	got := spread{Nodes: n, Fanout: fanout}
	for i := range spreads {
		id, version := n-i%n, fmt.Sprint("v", i+1)
		began, sent := s.Now(), s.Packets()
		if err := s.Describe(id, member.Info{Version: version}); err != nil {
			return got, err
		}
		for s.Know(id, version) < n && s.Now()-began < time.Minute {
			s.Run(10 * time.Millisecond)
		}
		took := s.Now() - began
		got.Rounds += float64(took) / float64(engine.Lan().Gossip) / spreads
		got.Messages += max(0, float64(s.Packets()-sent)-usual*took.Seconds()) / spreads
		s.Run(2 * time.Second)
	}
	return got, s.Err()
}

// atRest weighs what a cluster sends that has nothing to do.
func atRest(n int) resting {
	s := world(2, n, 0)
	s.Weigh(new(lap).size)
	at, packets := s.Now(), s.Packets()
	s.Run(5 * time.Second)
	each := 1 / (s.Now() - at).Seconds() / float64(n)
	return resting{Nodes: n, Messages: float64(s.Packets()-packets) * each, Bytes: float64(s.Bytes()) * each}
}

// Lines returns the story for the page.
func (p page) Lines() []string { return strings.Split(strings.TrimRight(p.Story, "\n"), "\n") }
