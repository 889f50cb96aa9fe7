package downing

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrUnknownStrategy is what Parse returns, wrapped, for a text that names no
// strategy or lacks its argument.
var ErrUnknownStrategy = errors.New("downing: unknown strategy")

// Parse reads a strategy as configuration spells it: keep-majority,
// static-quorum:SIZE, keep-oldest, keep-referee:HOST:PORT, lease-majority:TTL or
// down-all. An empty text means keep-majority. What lease-majority returns names
// no lease yet: package lease makes a strategy of it.
func Parse(text string) (Strategy, error) {
	name, argument, given := strings.Cut(text, ":")
	switch {
	case text == "" || text == "keep-majority":
		return KeepMajority{}, nil
	case text == "keep-oldest":
		return KeepOldest{}, nil
	case text == "down-all":
		return DownAll{}, nil
	case text == "lease-majority":
		return LeaseMajority{}, nil
	case name == "lease-majority":
		ttl, err := time.ParseDuration(argument)
		if err != nil || ttl <= 0 {
			return nil, fmt.Errorf("%w: %q: want lease-majority:TTL with a duration", ErrUnknownStrategy, text)
		}
		return LeaseMajority{TTL: ttl}, nil
	case name == "static-quorum":
		size, err := strconv.Atoi(argument)
		if err != nil || size < 1 {
			return nil, fmt.Errorf("%w: %q: want static-quorum:SIZE with a size of at least 1", ErrUnknownStrategy, text)
		}
		return StaticQuorum{Size: size}, nil
	case name == "keep-referee":
		if !given || !strings.Contains(argument, ":") {
			return nil, fmt.Errorf("%w: %q: want keep-referee:HOST:PORT", ErrUnknownStrategy, text)
		}
		return KeepReferee{Address: argument}, nil
	}
	return nil, fmt.Errorf("%w: %q: want keep-majority, static-quorum:SIZE, keep-oldest, keep-referee:HOST:PORT, lease-majority:TTL or down-all",
		ErrUnknownStrategy, text)
}
