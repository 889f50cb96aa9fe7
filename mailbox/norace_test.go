//go:build !race

package mailbox

const underRace = false
