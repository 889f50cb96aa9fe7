//go:build race

package mailbox

// underRace: the race detector makes sync.Pool forget at random.
const underRace = true
