// Package race tells tests whether the race detector is on. It makes them many
// times slower, so those that play protocols without any goroutine, or the same
// code again and again from other seeds, do less of it then:
//
//	rounds := race.Less(20, 5)
package race

// Less is all, or few with the race detector.
func Less[N ~int | ~uint64](all, few N) N {
	if Enabled {
		return few
	}
	return all
}

// SkipPure skips a long test that has one goroutine with the race detector on:
// it has nothing to find there that the plain run does not show.
func SkipPure(t interface {
	Helper()
	Skip(...any)
}) {
	t.Helper()
	if Enabled {
		t.Skip("one goroutine: without the race detector it shows as much")
	}
}
