package reach

import "github.com/pando-go/pando/clusterd/engine/member"

// enough accusers make a member unreachable however many others are heard.
const enough = 3

// Needed returns how many accusers make a member unreachable for a node that
// heard this many other members lately: min(3, 1 + heard).
func Needed(heard int) int { return min(enough, 1+heard) }

// Count returns how many observers accuse each subject. Only observers that
// counts accepts are counted: members that no acknowledged view removes.
func Count(rows []*Row, counts func(observer member.Node) bool) map[member.Node]int {
	accusers := make(map[member.Node]int)
	for _, r := range rows {
		if len(r.Accused) == 0 || !counts(r.Observer) {
			continue
		}
		for _, subject := range r.Accused {
			accusers[subject]++
		}
	}
	return accusers
}
