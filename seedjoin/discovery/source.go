package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// Source knows where contact points are.
type Source interface {
	// Discover returns the host:port of each contact point, in any order. It is
	// called again and again, one call at a time; ctx bounds it. An error or an
	// empty list leaves what was known.
	Discover(ctx context.Context) ([]string, error)
}

// Static is a Source that is a fixed list.
type Static []string

// Discover returns the list.
func (s Static) Discover(context.Context) ([]string, error) { return slices.Clone(s), nil }

// Limit is how many contact points a list has at most: the lowest addresses are
// taken, by which all nodes choose alike.
const Limit = 64

// tidy sorts, drops doubles and what is beyond the limit, and refuses a list
// with something that is no address: half a list is worse than an old one.
func tidy(list []string) (tidied []string, dropped int, err error) {
	var faults []error
	for _, a := range list {
		if fault := check(a); fault != nil && len(faults) < 3 {
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return nil, 0, errors.Join(faults...)
	}
	list = slices.Clone(list)
	slices.SortFunc(list, member.CompareAddress)
	list = slices.Compact(list)
	dropped = max(0, len(list)-Limit)
	return list[:len(list)-dropped], dropped, nil
}

func check(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: %.100q: want host:port", ErrBadList, address)
	}
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 || host == "" || len(address) > 512 {
		return fmt.Errorf("%w: %.100q: want host:port", ErrBadList, address)
	}
	return nil
}
