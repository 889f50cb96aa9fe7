package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// report writes results as Markdown.
type report struct {
	bench
	results results
}

// write writes the machine and the tables.
func (r report) write(w io.Writer) error {
	parts := []string{r.setting(), r.medians(), r.ratios()}
	if t := r.allocations(); t != "" {
		parts = append(parts, t)
	}
	_, err := io.WriteString(w, strings.Join(parts, "\n"))
	return err
}

// setting says on what and how long was measured.
func (r report) setting() string {
	var versions []string
	for _, p := range r.peers {
		if v := p.version(); v != "" && p.name != ours {
			versions = append(versions, p.title+" "+v)
		}
	}
	s := fmt.Sprintf("%s.\n%d × %v a measurement", r.machine, r.runs, r.plan.For)
	if r.measures("idle") && r.idleRuns < r.runs {
		s += fmt.Sprintf(", idle actors %d ×", r.idleRuns)
	}
	if r.plan.Parked > 0 {
		s += fmt.Sprintf(", beside %s parked goroutines", thousands(r.plan.Parked))
	}
	if len(versions) > 0 {
		s += ".\n" + strings.Join(versions, ", ")
	}
	return s + ".\n"
}

func (r report) measures(name string) bool {
	return slices.ContainsFunc(r.workloads, func(w workload) bool { return w.name == name })
}

// medians is the table of what was measured. The best of a line is bold.
func (r report) medians() string {
	t := table{head: []string{"median [lowest–highest]"}}
	for _, p := range r.peers {
		t.head = append(t.head, p.title)
	}
	for _, w := range r.workloads {
		best := r.best(w)
		row := []string{r.title(w)}
		for _, p := range r.peers {
			row = append(row, r.cell(w, p, p.name == best))
		}
		t.rows = append(t.rows, row)
	}
	return t.String()
}

func (r report) title(w workload) string {
	if w.higher {
		return fmt.Sprintf("%s, %s ↑", w.title(r.plan), w.unit)
	}
	return fmt.Sprintf("%s, %s ↓", w.title(r.plan), w.unit)
}

func (r report) cell(w workload, p peer, best bool) string {
	s := r.results[pair{w.name, p.name}]
	failed, v := s.failed(), s.values()
	switch {
	case failed > 0 && v.n == 0:
		return fmt.Sprintf("%d of %d failed", failed, len(s))
	case failed > 0:
		return fmt.Sprintf("%s, %d of %d failed", v.text(best), failed, len(s))
	}
	return v.text(best)
}

// best names who has the best median of a line, "" if nobody has one.
func (r report) best(w workload) string {
	name, value := "", 0.0
	for _, p := range r.peers {
		v := r.results[pair{w.name, p.name}].values()
		if v.n > 0 && (name == "" || w.better(v.mid, value) > 1) {
			name, value = p.name, v.mid
		}
	}
	return name
}

// ratios is the table of how many times as good as each peer Pando is. The best
// peer of a line is bold.
func (r report) ratios() string {
	t := table{head: []string{"Pando is × as good as"}}
	for _, p := range r.rivals() {
		t.head = append(t.head, p.title)
	}
	t.head = append(t.head, "budget", "")
	for _, w := range r.workloads {
		t.rows = append(t.rows, r.ratioRow(w))
	}
	return t.String()
}

func (r report) ratioRow(w workload) []string {
	own := r.results[pair{w.name, ours}]
	var ratios [][]float64
	for _, p := range r.rivals() {
		ratios = append(ratios, w.against(own, r.results[pair{w.name, p.name}]))
	}
	row := []string{w.title(r.plan)}
	best := hardest(ratios)
	for i, v := range ratios {
		row = append(row, spreadOf(v).text(i == best))
	}
	return append(row, w.budget.String(), w.budget.verdict(own, ratios))
}

// ours is the runtime that budgets are for.
const ours = "pando"

// rivals is the others.
func (r report) rivals() []peer {
	return slices.DeleteFunc(slices.Clone(r.peers), func(p peer) bool { return p.name == ours })
}

// allocations is the table of allocations an operation, "" if nothing has any.
func (r report) allocations() string {
	t := table{head: []string{"allocations an operation"}}
	for _, p := range r.peers {
		t.head = append(t.head, p.title)
	}
	for _, w := range r.workloads {
		row := []string{w.title(r.plan)}
		sense := false
		for _, p := range r.peers {
			a := r.results[pair{w.name, p.name}].allocs()
			sense = sense || a.n > 0 && a.mid >= 0
			row = append(row, a.perOp())
		}
		if sense {
			t.rows = append(t.rows, row)
		}
	}
	if len(t.rows) == 0 {
		return ""
	}
	return t.String()
}
