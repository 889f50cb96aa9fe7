package actor

// maxStash is how many messages an actor may stash.
const maxStash = 1000

// stash is what an actor has kept for later.
type stash struct {
	kept   []turn // oldest first
	replay []turn // unstashed: handled before the mailbox
}

// add keeps the message that the core has in hand, with its asker.
func (s *stash) add(c *core) error {
	if len(s.kept)+len(s.replay) >= maxStash {
		return ErrStashFull
	}
	s.kept = append(s.kept, turn{c.msg, c.asked})
	c.asked = question{}
	return nil
}

// unstash queues what was kept ahead of everything else.
func (s *stash) unstash() {
	if s != nil && len(s.kept) > 0 {
		s.replay = append(s.kept, s.replay...)
		s.kept = nil
	}
}

// rewind is unstash in the order in which the messages came: what was to be
// replayed came first.
func (s *stash) rewind() {
	if s != nil {
		s.kept, s.replay = nil, append(s.replay, s.kept...)
	}
}

// next takes the oldest message that was unstashed.
func (s *stash) next() (turn, bool) {
	if s == nil || len(s.replay) == 0 {
		return turn{}, false
	}
	t := s.replay[0]
	s.replay[0] = turn{}
	if s.replay = s.replay[1:]; len(s.replay) == 0 {
		s.replay = nil
	}
	return t, true
}

// bury makes dead letters of everything.
func (s *stash) bury(c *core) {
	if s == nil {
		return
	}
	for _, t := range append(s.replay, s.kept...) {
		t.asked.bury(c, t.msg)
	}
	s.kept, s.replay = nil, nil
}

// hold stashes the message in hand.
func (c *cell[M]) hold() error {
	if c.kept == nil {
		c.kept = &stash{}
	}
	return c.kept.add(&c.core)
}

// replayStash handles what was unstashed, as long as the behavior lasts.
func (c *cell[M]) replayStash() {
	if c.kept == nil {
		return
	}
	for c.busy() {
		t, ok := c.kept.next()
		if !ok {
			return
		}
		c.handle(t)
	}
}

// bury is the end of what is kept.
func (c *cell[M]) bury() { c.kept.bury(&c.core) }
