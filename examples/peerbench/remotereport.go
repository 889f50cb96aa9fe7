package main

import (
	"fmt"
	"strings"
)

// remoteReport writes remote results as Markdown.
type remoteReport struct {
	options
	machine string
	results remoteResults
}

func (r remoteReport) String() string {
	local := report{bench: bench{peers: bare(r.remote.peers), plan: r.plan, runs: r.runs, machine: r.machine}}
	return strings.Join([]string{local.setting(), r.medians(), r.ratios(), r.latencies(), r.costs()}, "\n")
}

func (r remoteReport) series(l remoteLine, p remotePeer) remoteSeries {
	return r.results[pair{l.name, p.name}]
}

func (s remoteSeries) spread(of func(remoteResult) float64) spread {
	var v []float64
	for _, m := range s {
		if m.err == nil {
			v = append(v, of(m.remoteResult))
		}
	}
	return spreadOf(v)
}

func (s remoteSeries) values() spread {
	return s.spread(func(r remoteResult) float64 { return r.Value })
}

// table has a row for each line that want admits, and a column for each runtime.
func (r remoteReport) table(head string, lines []remoteLine, title func(remoteLine) string, cell func(remoteLine, remotePeer) string) string {
	t := table{head: []string{head}}
	for _, p := range r.remote.peers {
		t.head = append(t.head, p.title)
	}
	for _, l := range lines {
		row := []string{title(l)}
		for _, p := range r.remote.peers {
			row = append(row, cell(l, p))
		}
		t.rows = append(t.rows, row)
	}
	return t.String()
}

func (r remoteReport) medians() string {
	title := func(l remoteLine) string {
		if l.asks == 1 {
			return l.title + ", p50, µs ↓"
		}
		return l.title + ", k/s ↑"
	}
	return r.table("median [lowest–highest]", r.remote.lines, title, func(l remoteLine, p remotePeer) string {
		s := r.series(l, p)
		v := s.values()
		if failed := len(s) - v.n; failed > 0 {
			return fmt.Sprintf("%s, %d of %d failed", v.text(false), failed, len(s))
		}
		return v.text(p.name == ours)
	})
}

// against is how many times better Pando was than p, round by round.
func (r remoteReport) against(l remoteLine, p remotePeer) []float64 {
	in := map[int]float64{}
	for _, m := range r.series(l, p) {
		if m.err == nil {
			in[m.round] = m.Value
		}
	}
	var ratios []float64
	for _, m := range r.results[pair{l.name, ours}] {
		if o, ok := in[m.round]; ok && m.err == nil {
			ratios = append(ratios, l.better(m.Value, o))
		}
	}
	return ratios
}

// ratios is the table of how Pando compares, and whether that is within budget.
func (r remoteReport) ratios() string {
	t := table{head: []string{"Pando is × as good as"}}
	for _, p := range r.rivals() {
		t.head = append(t.head, p.title)
	}
	t.head = append(t.head, "budget", "")
	for _, l := range r.remote.lines {
		row := []string{l.title}
		for _, p := range r.rivals() {
			row = append(row, spreadOf(r.against(l, p)).text(false))
		}
		t.rows = append(t.rows, append(row, l.budget(), r.verdict(l)))
	}
	return t.String()
}

func (r remoteReport) rivals() []remotePeer {
	var list []remotePeer
	for _, p := range r.remote.peers {
		if p.name != ours {
			list = append(list, p)
		}
	}
	return list
}

// overTLS is how many times dearer than plain TLS may be, and allocations what one
// one-way message may take beyond its own.
const (
	overTLS     = 1.5
	allocations = 0.3
)

func (l remoteLine) budget() string {
	switch {
	case l.asks == 0:
		return fmt.Sprintf("≥ %v × best peer, ≤ %v allocations beyond the message, TLS within %v ×", l.ratio, allocations, overTLS)
	case l.ratio > 0:
		return fmt.Sprintf("≥ %v × best peer, TLS within %v ×", l.ratio, overTLS)
	}
	return fmt.Sprintf("≤ %v × bare TCP, TLS within %v ×", l.overTCP, overTLS)
}

// verdict names the parts of the budget that are missed.
func (r remoteReport) verdict(l remoteLine) string {
	var missed []string
	check := func(ok bool, what string, v float64) {
		if !ok {
			missed = append(missed, fmt.Sprintf("%s %s", what, number(v)))
		}
	}
	for _, p := range r.rivals() {
		ratio := spreadOf(r.against(l, p))
		switch {
		case ratio.n == 0:
		case p.name == oursTLS:
			check(ratio.mid <= overTLS, "TLS", ratio.mid)
		case p.name == bareTCP && l.overTCP > 0:
			check(1/ratio.mid <= l.overTCP, "bare TCP ×", 1/ratio.mid)
		case p.name != bareTCP && l.ratio > 0:
			check(ratio.mid >= l.ratio, p.title, ratio.mid)
		}
	}
	if a := r.own(l); l.asks == 0 && a.n > 0 {
		check(a.mid <= allocations, "allocations", a.mid)
	}
	if len(missed) == 0 {
		return "met"
	}
	return "**not met**: " + strings.Join(missed, ", ")
}

// own is what Pando itself allocates for a message, on both sides: without the
// decoded message, which is the user's.
func (r remoteReport) own(l remoteLine) spread {
	message := decodingAllocs(l.text)
	return r.results[pair{l.name, ours}].spread(func(m remoteResult) float64 { return m.NearAllocs + m.FarAllocs - message })
}

// latencies is the table of p50 and p99 of asks.
func (r remoteReport) latencies() string {
	var asks []remoteLine
	for _, l := range r.remote.lines {
		if l.asks > 0 {
			asks = append(asks, l)
		}
	}
	if len(asks) == 0 {
		return ""
	}
	return r.table("p50 / p99, µs", asks, func(l remoteLine) string { return l.title }, func(l remoteLine, p remotePeer) string {
		s := r.series(l, p)
		p50 := s.spread(func(m remoteResult) float64 { return m.P50 })
		p99 := s.spread(func(m remoteResult) float64 { return m.P99 })
		if p50.n == 0 {
			return "–"
		}
		return number(p50.mid) + " / " + number(p99.mid)
	})
}

// costs are the tables of allocations and CPU, sender + receiver.
func (r remoteReport) costs() string {
	both := func(near, far func(remoteResult) float64, format string) func(remoteLine, remotePeer) string {
		return func(l remoteLine, p remotePeer) string {
			s := r.series(l, p)
			a, b := s.spread(near), s.spread(far)
			if a.n == 0 {
				return "–"
			}
			return fmt.Sprintf(format+" + "+format, a.mid, b.mid)
		}
	}
	title := func(l remoteLine) string { return l.title }
	allocs := r.table("allocations a message, near + far", r.remote.lines, title, both(
		func(m remoteResult) float64 { return m.NearAllocs }, func(m remoteResult) float64 { return m.FarAllocs }, "%.2f"))
	cpu := r.table("CPU a message, near + far, µs", r.remote.lines, title, both(
		func(m remoteResult) float64 { return m.NearCPU / 1e3 }, func(m remoteResult) float64 { return m.FarCPU / 1e3 }, "%.2f"))
	return allocs + "\n" + cpu + "\n" + r.cpuRatios()
}

// cpuRatios is the table of how much more CPU than Pando's others take for a message,
// on both sides together. It depends less on what else the machine does than any
// table of time.
func (r remoteReport) cpuRatios() string {
	t := table{head: []string{"CPU of a message, × Pando's"}}
	for _, p := range r.rivals() {
		t.head = append(t.head, p.title)
	}
	for _, l := range r.remote.lines {
		row := []string{l.title}
		for _, p := range r.rivals() {
			row = append(row, spreadOf(r.overCPU(l, p)).text(false))
		}
		t.rows = append(t.rows, row)
	}
	return t.String()
}

// overCPU is how much more CPU than Pando's p took, round by round.
func (r remoteReport) overCPU(l remoteLine, p remotePeer) []float64 {
	in := map[int]float64{}
	for _, m := range r.results[pair{l.name, ours}] {
		if m.err == nil && m.NearCPU+m.FarCPU > 0 {
			in[m.round] = m.NearCPU + m.FarCPU
		}
	}
	var ratios []float64
	for _, m := range r.series(l, p) {
		if o, ok := in[m.round]; ok && m.err == nil {
			ratios = append(ratios, (m.NearCPU+m.FarCPU)/o)
		}
	}
	return ratios
}
