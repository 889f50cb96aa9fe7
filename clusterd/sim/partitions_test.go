package sim_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/race"
	"github.com/pando-go/pando/clusterd/sim"
)

// How the table spells that no side lives, and that any one does.
const (
	nobody = "–"
	anyone = "one side"
)

// tableRow is one row of a table in docs/partitions.md: what is cut, and who
// lives under each strategy.
type tableRow struct {
	line  int
	cut   string
	lives map[string]string // by strategy
}

// readTable reads the tables whose header has this first cell; the other cells of
// the header name the strategies of the rows below it.
func readTable(t *testing.T, head string) []tableRow {
	t.Helper()
	page, err := os.ReadFile("../../docs/partitions.md")
	if err != nil {
		t.Fatal(err)
	}
	var strategies []string
	var rows []tableRow
	for i, line := range strings.Split(string(page), "\n") {
		cells := cellsOf(line)
		switch {
		case len(cells) < 2:
			strategies = nil
		case cells[0] == head:
			strategies = cells[1:]
		case strategies == nil || strings.HasPrefix(cells[0], "---"):
		default:
			row := tableRow{line: i + 1, cut: cells[0], lives: map[string]string{}}
			for j, s := range strategies {
				row.lives[s] = cells[1+j]
			}
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("docs/partitions.md has no table of %s", head)
	}
	return rows
}

func cellsOf(line string) []string {
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i := range cells {
		cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
	}
	return cells
}

func numbers(t *testing.T, text string) []int {
	t.Helper()
	var list []int
	for _, f := range strings.Fields(text) {
		var n int
		if _, err := fmt.Sscanf(f, "%d", &n); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		list = append(list, n)
	}
	return list
}

// TestPartitionsTable plays every cell of the table: nodes join in the order of
// their numbers, the network is cut, and who goes on is compared with the cell.
// After the heal everybody is together again.
func TestPartitionsTable(t *testing.T) {
	race.SkipPure(t)
	rows := readTable(t, "cut")
	if len(rows) < 20 {
		t.Errorf("got %d rows of cuts, want all splits of five nodes and more", len(rows))
	}
	for _, row := range rows {
		sides := sidesOf(t, row.cut)
		for _, strategy := range slices.Sorted(keys(row.lives)) {
			want := row.lives[strategy]
			t.Run(fmt.Sprintf("line %d %v %s", row.line, sides, strategy), func(t *testing.T) {
				playPartition(t, sides, strategy, want)
			})
		}
	}
}

// sidesOf reads "1 2 / 3 4 5".
func sidesOf(t *testing.T, text string) (sides [][]int) {
	t.Helper()
	for _, side := range strings.Split(text, "/") {
		sides = append(sides, numbers(t, side))
	}
	return sides
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m { // order: the caller sorts
			if !yield(k) {
				return
			}
		}
	}
}

func playPartition(t *testing.T, sides [][]int, strategy, want string) {
	t.Helper()
	s, view := newPartition(t, strategy, len(slices.Concat(sides...)))
	for i, side := range sides {
		for _, other := range sides[i+1:] {
			s.Cut(side, other)
		}
	}
	s.Run(20 * time.Second)
	if strategy == "lease-majority" {
		s.Run(15 * time.Second) // a smaller side waits for the larger one
	}
	got := nobody
	for _, side := range sides {
		if alone(view, side) {
			if got != nobody {
				t.Errorf("two sides live: %s and %v", got, side)
			}
			got = strings.Trim(fmt.Sprint(side), "[]")
		}
	}
	if got != want && (want != anyone || got == nobody) {
		t.Errorf("got %q alive, want %q", got, want)
	}
	s.Heal()
	if err := s.Finish(2 * time.Minute); err != nil {
		t.Errorf("after the heal: %v", err)
	}
}

// newPartition returns a settled cluster of n nodes, n1 the oldest and leader,
// and a function that returns what a node sees.
func newPartition(t *testing.T, strategy string, n int) (*sim.Sim, func(id int) *engine.Snapshot) {
	t.Helper()
	rule, err := downing.Parse(spell(strategy))
	if err != nil {
		t.Fatal(err)
	}
	machines := map[string]*core.Core{}
	s := sim.New(sim.Config{
		Seed: 1, Seeds: []int{1, 2, 3}, Rejoin: time.Second, Downing: rule,
		New: func(c core.Config) (sim.Machine, error) {
			m, err := core.New(c)
			machines[c.Self.Address] = m
			return m, err
		},
	})
	for id := 1; id <= n; id++ {
		s.Start(id)
		s.Settle(20 * time.Second)
	}
	if err := s.Calm(); err != nil {
		t.Fatal(err)
	}
	return s, func(id int) *engine.Snapshot {
		snap := machines[sim.Address(id)].Snapshot()
		return &snap
	}
}

// spell writes a strategy of the table, where n3 is a node, as downing.Parse reads it.
func spell(strategy string) string {
	if rest, ok := strings.CutPrefix(strategy, "keep-referee:n"); ok {
		return "keep-referee:" + sim.Address(int(rest[0]-'0'))
	}
	return strategy
}

// alone reports whether a side goes on without the others: each of its nodes
// knows an active view in which just the side is Up.
func alone(view func(id int) *engine.Snapshot, side []int) bool {
	for _, id := range side {
		snap := view(id)
		up := 0
		for _, m := range snap.Members {
			if m.Status == member.Up {
				up++
			}
		}
		if !snap.Converged || up != len(side) || len(snap.Members) != len(side) {
			return false
		}
	}
	return true
}
