package rounds

import "math"

// Figure sums up one number over many runs.
type Figure struct {
	Mean, SD, Max float64
}

// Summary is what many runs came to.
type Summary struct {
	Setup
	Runs     int
	Rounds   Figure // until all that live know
	Messages Figure // see Result.Messages
	Silence  Figure // rounds until nobody sends any more
	Total    Figure // messages until then
	Untold   int    // over all runs: who did not know when the strategy was silent
	Short    int    // runs in which somebody never got to know
}

// Repeat makes as many runs as it is told, numbered from 0.
func Repeat(s Setup, seed uint64, runs int) Summary {
	sum := Summary{Setup: s, Runs: runs}
	var rounds, messages, silence, total tally
	for i := range runs {
		r := Run(s, seed, uint64(i))
		rounds.add(r.Rounds)
		messages.add(r.Messages)
		silence.add(r.Silence)
		total.add(r.Total)
		sum.Untold += r.Untold
		if r.Rounds == 0 {
			sum.Short++
		}
	}
	sum.Rounds, sum.Messages, sum.Silence, sum.Total = rounds.figure(), messages.figure(), silence.figure(), total.figure()
	return sum
}

// tally adds up.
type tally struct{ n, sum, squares, most float64 }

func (t *tally) add(i int) {
	x := float64(i)
	t.n, t.sum, t.squares, t.most = t.n+1, t.sum+x, t.squares+x*x, max(t.most, x)
}

func (t *tally) figure() Figure {
	mean := t.sum / t.n
	return Figure{Mean: mean, SD: math.Sqrt(max(0, t.squares/t.n-mean*mean)), Max: t.most}
}
