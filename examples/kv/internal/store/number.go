package store

import (
	"math/big"
	"strconv"
	"strings"
)

// parseInt reads a number as the servers of the field do: no sign but a minus,
// no leading zeros, no space.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits := b
	if b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// addOverflows tells whether a+b is no int64.
func addOverflows(a, b int64) bool {
	sum := a + b
	return b > 0 && sum < a || b < 0 && sum > a
}

// mantissa is that of the 80-bit numbers that INCRBYFLOAT is defined by.
const mantissa = 64

// parseFloat reads a decimal fraction or one with an exponent. What float64
// would call infinite is refused.
func parseFloat(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) > 256 {
		return nil, false
	}
	for _, c := range b {
		if (c < '0' || c > '9') && !strings.ContainsRune("+-.eE", rune(c)) {
			return nil, false
		}
	}
	if _, err := strconv.ParseFloat(string(b), 64); err != nil {
		return nil, false
	}
	f, _, err := big.ParseFloat(string(b), 10, mantissa, big.ToNearestEven)
	return f, err == nil
}

// formatFloat writes 17 digits behind the point, without zeros at the end.
func formatFloat(f *big.Float) []byte {
	text := f.Text('f', 17)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" || text == "" {
		text = "0"
	}
	return []byte(text)
}
