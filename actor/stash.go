package actor

// maxStash is how many messages an actor may stash.
const maxStash = 1000

// keep stashes the message in hand, with its asker.
func (c *cell[M]) keep() error {
	if len(c.stash)+len(c.replay) >= maxStash {
		return ErrStashFull
	}
	c.stash = append(c.stash, turn[M]{c.message, c.asked})
	c.asked = question{}
	return nil
}

// unstash queues what was stashed ahead of everything else.
func (c *cell[M]) unstash() {
	if len(c.stash) == 0 {
		return
	}
	c.replay = append(c.stash, c.replay...)
	c.stash = nil
}

// replayStash handles what was unstashed, as long as the behavior lasts.
func (c *cell[M]) replayStash() {
	for len(c.replay) > 0 && c.busy() {
		t := c.replay[0]
		c.replay[0] = turn[M]{}
		c.replay = c.replay[1:]
		c.handle(t)
	}
	if len(c.replay) == 0 {
		c.replay = nil
	}
}
