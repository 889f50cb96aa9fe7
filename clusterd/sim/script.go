package sim

import (
	"fmt"
	"strings"
	"time"
)

// Script is a run told as a story: one command a line, each followed by what
// it printed, indented. Comments begin with #.
//
//	# A crashed node is removed.
//	seeds n1 n2 n3
//	start n1 n2 n3
//	settle 10s
//	crash n3
//	run 10s
//	state
//	    n1 up view 5 leader n1 converged: n1 up 1, n2 up 2
//
// The commands, where N is a node such as n1, A and B are lists of them, and D
// a duration:
//
//	seed S               draw the run from seed S; first line if at all
//	timing fast|lan|wan  of all nodes; before the first start
//	rejoin D             who is removed starts again after D; before the first start
//	skew D               clocks differ by up to D; before the first start
//	drift P              and run at rates that differ by up to part P, at most 0.05; before the first start
//	minimum N            how many members must be there before joiners become up; before the first start
//	downing S            the strategy of all nodes, as downing.Parse reads it; keep-referee:n3 names a node; before the first start
//	symmetric true       every seed may found; before the first start
//	islands report       other clusters are told of and not healed; before the first start
//	without R            takes rule R of the protocol out: see package rules; before the first start
//	seeds A              the seed list, the first seed first; alias1 spells n1 in another way
//	name N X             gives N the cluster name X at its next start
//	alone N              operator's override: N founds although seeds are silent
//	start A              first seed, seed or ordinary by the seed list alone
//	crash A, restart A, freeze A, thaw A, leave A
//	shutdown N           an operator at N wants the whole cluster to stop
//	recover N            an operator lets those whom N hears go on without a quorum
//	slow A D             A do everything up to D late; 0s ends that
//	down N at M          an operator at M wants N down
//	cut A | B            both ways; cut A > B only from A to B
//	heal, heal A | B
//	links D to D [loss P] [duplicate P] [reorder P]
//	store                who holds the lease outside the cluster, for downing lease-majority
//	store cut A          A do not reach it; store heal ends that
//	run D                let D pass
//	settle D             let time pass until all is calm, at most D
//	finish D             as settle and calm, where the rules promise it: see [Sim.Finish]
//	calm [A]             check that all that run, or just A, are calm
//	state                how every node sees the cluster
//	events [A]           what happened to membership since the last time
//	notes [A]            what operators read since the last time
type Script struct{ lines []line }

// line is one command, or a comment or empty line, which stays as it is.
type line struct {
	number int // in the text, from 1
	text   string
}

// output is how lines of output begin in a script.
const output = "    "

// ParseScript reads a script and forgets the output in it.
func ParseScript(text string) Script {
	var s Script
	for i, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if !strings.HasPrefix(l, output) {
			s.lines = append(s.lines, line{i + 1, strings.TrimRight(l, " \t")})
		}
	}
	return s
}

// Outcome is what came of a script.
type Outcome struct {
	Text    string        // the script with its output
	Hash    uint64        // see [Sim.Hash]
	Events  uint64        // that happened
	Packets uint64        // that were sent
	Time    time.Duration // that passed in the world
}

// Run plays the script in a new world. The error is the first invariant that
// broke, a *[Failure], or the first line that makes no sense.
func (sc Script) Run(cfg Config) (Outcome, error) {
	p := player{cfg: cfg}
	var text strings.Builder
	for _, l := range sc.lines {
		fmt.Fprintln(&text, l.text)
		if l.text == "" || strings.HasPrefix(l.text, "#") {
			continue
		}
		out, err := p.play(l.text)
		if err != nil {
			return p.outcome(text.String()), fmt.Errorf("line %d: %s: %w", l.number, l.text, err)
		}
		for _, t := range out {
			fmt.Fprintf(&text, "%s%s\n", output, t)
		}
	}
	return p.outcome(text.String()), nil
}

// String returns the script without output.
func (sc Script) String() string {
	var text strings.Builder
	for _, l := range sc.lines {
		fmt.Fprintln(&text, l.text)
	}
	return text.String()
}

func (p *player) outcome(text string) Outcome {
	p.world()
	return Outcome{Text: text, Hash: p.sim.Hash(), Events: p.sim.Events(), Packets: p.sim.Packets(), Time: p.sim.Now()}
}
