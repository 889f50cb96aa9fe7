package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// fake is a bench whose measurements are values by runtime and workload, one a
// round; 0 fails.
func fake(t *testing.T, runs int, values map[pair][]float64) bench {
	t.Helper()
	b := bench{plan: fullPlan(), runs: runs, idleRuns: 1, progress: io.Discard}
	for _, name := range []string{"pando", "goakt", "ergo"} {
		p, err := findPeer(name)
		if err != nil {
			t.Fatal(err)
		}
		b.peers = append(b.peers, p)
	}
	for _, name := range []string{"tell1", "pingpong", "idle"} {
		w, err := findWorkload(name)
		if err != nil {
			t.Fatal(err)
		}
		b.workloads = append(b.workloads, w)
	}
	b.measure = func(_ context.Context, j job) (result, error) {
		k := pair{j.Workload, j.Peer}
		v := values[k][0]
		values[k] = values[k][1:]
		if v == 0 {
			return result{}, errLost
		}
		return result{v, v / 10}, nil
	}
	return b
}

func TestTables(t *testing.T) {
	b := fake(t, 3, map[pair][]float64{
		{"tell1", "pando"}:    {4, 3, 6},
		{"tell1", "goakt"}:    {2, 2, 3}, // Pando: 2, 1.5, 2 times as good
		{"tell1", "ergo"}:     {1, 1, 1},
		{"pingpong", "pando"}: {1, 1, 1}, // allocates
		{"pingpong", "goakt"}: {0, 4, 8},
		{"pingpong", "ergo"}:  {0, 0, 0},
		{"idle", "pando"}:     {390},
		{"idle", "goakt"}:     {1234},
		{"idle", "ergo"}:      {300},
	})
	got, err := b.rounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := (report{b, got}).write(&text); err != nil {
		t.Fatal(err)
	}
	_, tables, _ := strings.Cut(text.String(), "\n| ")
	want := `median [lowest–highest] | Pando | goakt | ergo |
| --- | ---: | ---: | ---: |
| tell, 1 producer, M/s ↑ | **4.00** [3.00–6.00] | 2.00 [2.00–3.00] | 1.00 [1.00–1.00] |
| ping-pong, round trip, µs ↓ | **1.00** [1.00–1.00] | 6.00 [4.00–8.00], 1 of 3 failed | 3 of 3 failed |
| idle actor, 1,000,000 of them, bytes ↓ | 390 | 1,234 | **300** |

| Pando is × as good as | goakt | ergo | budget |  |
| --- | ---: | ---: | ---: | ---: |
| tell, 1 producer | **2.00** [1.50–2.00] | 4.00 [3.00–6.00] | ≥ 1.3 × | met |
| ping-pong, round trip | **6.00** [4.00–8.00] | – | ≥ 2.5 ×, 0 allocations | **not met** |
| idle actor, 1,000,000 of them | 3.16 | **0.77** | ≤ 400 bytes | met |

| allocations an operation | Pando | goakt | ergo |
| --- | ---: | ---: | ---: |
| tell, 1 producer | 0.4 | 0.2 | 0.1 |
| ping-pong, round trip | 0.1 | 0.6 | – |
| idle actor, 1,000,000 of them | 39.0 | 123.4 | 30.0 |
`
	if tables != want {
		t.Errorf("got\n%s\nwant\n%s", tables, want)
	}
}

func TestTablesWithoutPeers(t *testing.T) {
	b := fake(t, 1, map[pair][]float64{{"tell1", "pando"}: {4}})
	b.peers, b.workloads = b.peers[:1], b.workloads[:1]
	got, err := b.rounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := `| Pando is × as good as | budget |  |
| --- | ---: | ---: |
| tell, 1 producer | ≥ 1.3 × | – |
`
	if got := (report{b, got}).ratios(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRoundsStop(t *testing.T) {
	b := fake(t, 2, map[pair][]float64{{"tell1", "pando"}: {4}, {"tell1", "goakt"}: {2}})
	ctx, cancel := context.WithCancel(t.Context())
	inner := b.measure
	b.measure = func(ctx context.Context, j job) (result, error) {
		if j.Peer == "ergo" {
			cancel()
			return result{}, ctx.Err()
		}
		return inner(ctx, j)
	}
	got, err := b.rounds(ctx)
	if got, want := errText(err), "stopped after 2 of 15 measurements"; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
	if len(got) != 2 {
		t.Errorf("got %d series, want the 2 that were measured", len(got))
	}
}

func TestFailuresOfPandoAreErrors(t *testing.T) {
	got := results{
		{"tell1", "goakt"}: {{err: errLost}},
		{"tell1", "pando"}: {{}, {err: errLost}},
	}
	if got, want := errText(failures(got)), "1 measurements of pando failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	delete(got, pair{"tell1", "pando"})
	if err := failures(got); err != nil {
		t.Errorf("got %v, want none: peers may fail", err)
	}
}

func TestVerdict(t *testing.T) {
	own := func(value, allocs float64) series { return series{{result: result{value, allocs}}} }
	for name, tc := range map[string]struct {
		budget budget
		own    series
		ratios [][]float64
		want   string
	}{
		"reached":                 {budget{ratio: 1.3}, own(1, 0), [][]float64{{1.3}}, "met"},
		"missed":                  {budget{ratio: 1.3}, own(1, 0), [][]float64{{1.2, 1.29, 1.4}}, "**not met**"},
		"the best peer counts":    {budget{ratio: 1.3}, own(1, 0), [][]float64{{9}, nil, {1.2}, {3}}, "**not met**"},
		"allocates":               {budget{ratio: 1.3, noAllocs: true}, own(1, 1), [][]float64{{2}}, "**not met**"},
		"all but allocates":       {budget{ratio: 1.3, noAllocs: true}, own(1, 0.01), [][]float64{{2}}, "met"},
		"small enough":            {budget{most: 400}, own(400, 0), nil, "met"},
		"too large":               {budget{most: 400}, own(401, 0), [][]float64{{9}}, "**not met**"},
		"behind within spread":    {budget{}, own(1, 0), [][]float64{{0.8, 0.9, 0.9, 1.01}}, "met"},
		"behind beyond spread":    {budget{}, own(1, 0), [][]float64{{0.8, 0.9, 0.9, 0.9, 1.01}}, "**not met**"},
		"behind one of two":       {budget{}, own(1, 0), [][]float64{{2, 2}, {0.9, 0.9}}, "**not met**"},
		"nobody to compare with":  {budget{ratio: 1.3}, own(1, 0), [][]float64{nil}, "–"},
		"nothing to compare with": {budget{most: 400}, nil, [][]float64{nil}, "–"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.budget.verdict(tc.own, tc.ratios); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSpread(t *testing.T) {
	for name, tc := range map[string]struct {
		values []float64
		want   spread
	}{
		"none": {nil, spread{}},
		"one":  {[]float64{5}, spread{1, 5, 5, 5}},
		"odd":  {[]float64{9, 1, 2}, spread{3, 2, 1, 9}},
		"even": {[]float64{9, 1, 2, 4}, spread{4, 3, 1, 9}},
	} {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(tc.values)
			if got := spreadOf(tc.values); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if !slices.Equal(given, tc.values) {
				t.Errorf("changed what it was given to %v", tc.values)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.00", 0.456: "0.46", 9.994: "9.99", 9.999: "10.0", 99.9: "99.9", 99.97: "100",
		1234.5: "1,235", 1e6: "1,000,000", 1002003: "1,002,003", -1234: "-1,234",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v): got %q, want %q", v, got, want)
		}
	}
}

// losing is a runtime that loses a message, and one that delivers one twice.
type losing struct {
	Runtime
	got   func(*Message)
	times int
}

func (l *losing) Counter(got func(*Message), _ use) spawn {
	l.got = got
	return func() (Actor, error) { return l, nil }
}

func (l *losing) Tell(m *Message) error {
	if m.Text[0] == 0 {
		m.Text[0] = 1 // the first of each producer
		for range l.times {
			l.got(m)
		}
		return nil
	}
	l.got(m)
	return nil
}

func (l *losing) Stop() error { return nil }

func TestLossFails(t *testing.T) {
	p := tiny()
	p.Patience = 1
	for _, w := range []string{"tell1", "fanout"} {
		wl, err := findWorkload(w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wl.run(t.Context(), &losing{times: 0}, p); !errors.Is(err, errLost) {
			t.Errorf("%s: got %v, want %v", w, err, errLost)
		}
	}
	tell1, err := findWorkload("tell1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tell1.run(t.Context(), &losing{times: 2}, p); err == nil {
		t.Error("twice delivered: got no error")
	}
}
