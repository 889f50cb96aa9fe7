package seedjoin

import (
	"fmt"
	"strings"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// differences lists, key by key, where a joiner's settings differ from the
// cluster's; "" = nowhere. Both are sorted by key.
func differences(joiner, cluster []member.Pair) string {
	var diffs []string
	for len(joiner) > 0 || len(cluster) > 0 {
		switch {
		case len(cluster) == 0 || len(joiner) > 0 && joiner[0].Key < cluster[0].Key:
			diffs = append(diffs, fmt.Sprintf("%s is %q here and not set in the cluster", joiner[0].Key, joiner[0].Value))
			joiner = joiner[1:]
		case len(joiner) == 0 || cluster[0].Key < joiner[0].Key:
			diffs = append(diffs, fmt.Sprintf("%s is not set here and %q in the cluster", cluster[0].Key, cluster[0].Value))
			cluster = cluster[1:]
		default:
			if joiner[0].Value != cluster[0].Value {
				diffs = append(diffs, fmt.Sprintf("%s is %q here and %q in the cluster", joiner[0].Key, joiner[0].Value, cluster[0].Value))
			}
			joiner, cluster = joiner[1:], cluster[1:]
		}
	}
	return strings.Join(diffs, "; ")
}
