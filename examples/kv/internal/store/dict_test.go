package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDict compares a dict with a map, over the border where its index begins.
func TestDict(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var d dict[int]
		model := map[string]int{}
		for i := range 500 {
			key := fmt.Sprint(r.IntN(4 + i/10))
			_, had := model[key]
			if r.IntN(2) == 0 {
				if got := d.put([]byte(key), i); got == had {
					t.Fatalf("seed %d: put %s: got new %v, want %v", seed, key, got, !had)
				}
				model[key] = i
			} else {
				if got := d.drop([]byte(key)); got != had {
					t.Fatalf("seed %d: drop %s: got %v, want %v", seed, key, got, had)
				}
				delete(model, key)
			}
			if d.len() != len(model) {
				t.Fatalf("seed %d: got %d entries, want %d", seed, d.len(), len(model))
			}
			for k, v := range model {
				if got, ok := d.get([]byte(k)); !ok || got != v {
					t.Fatalf("seed %d: %s: got %d, %v, want %d", seed, k, got, ok, v)
				}
			}
		}
	}
}

// TestDeque compares a deque with a slice.
func TestDeque(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var d deque
		var model [][]byte
		for i := range 1000 {
			b, front := []byte(fmt.Sprint(i)), r.IntN(2) == 0
			switch n := r.IntN(5); {
			case n < 2 && len(model) > 0 || i > 500 && len(model) > 0:
				got, want := d.pop(front), model[len(model)-1]
				if front {
					want, model = model[0], model[1:]
				} else {
					model = model[:len(model)-1]
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("seed %d: pop: got %s, want %s", seed, got, want)
				}
			case n == 2:
				at := r.IntN(len(model) + 1)
				d.insert(at, b)
				model = slices.Insert(slices.Clone(model), at, b)
			case front:
				d.push(true, b)
				model = slices.Insert(slices.Clone(model), 0, b)
			default:
				d.push(false, b)
				model = append(slices.Clone(model), b)
			}
			if got := d.slice(0, d.len()); !slices.EqualFunc(got, model, bytes.Equal) {
				t.Fatalf("seed %d: got %s, want %s", seed, got, model)
			}
		}
	}
}
