package actor

// Registered lists the ids of all cells of a system: those that live, and any that
// is still in the registry.
func Registered(s *System) map[string]bool {
	ids := map[string]bool{}
	for _, c := range s.cells() {
		ids[c.id()] = true
	}
	s.each(func(id string, p any) {
		if _, ok := p.(*process); ok {
			ids[id] = true
		}
	})
	return ids
}

// OpenAsks counts the questions that wait.
func OpenAsks(s *System) (n int) {
	for i := range s.asks.shards {
		sh := &s.asks.shards[i]
		sh.mu.Lock()
		n += len(sh.slots) - len(sh.free)
		sh.mu.Unlock()
	}
	return n
}

// LiveTimers counts the timers of an actor that does nothing at the moment.
func LiveTimers[M any](r Ref[M]) int {
	s := r.cell.x.timers
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}
