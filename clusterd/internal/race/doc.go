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
