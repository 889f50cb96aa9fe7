package slots

import "strings"

// Count is the number of slots, as in Redis Cluster. Slots are 0 to Count-1.
const Count = 16384

// Of returns the slot of a key: CRC16 of its tag, modulo [Count].
func Of(key string) uint16 { return CRC16(Tag(key)) % Count }

// Tag returns the part of a key that decides its slot: what stands between the
// first "{" and the first "}" after it, if that is not empty; else all of it.
func Tag(key string) string {
	open := strings.IndexByte(key, '{')
	if open < 0 {
		return key
	}
	rest := key[open+1:]
	if end := strings.IndexByte(rest, '}'); end > 0 {
		return rest[:end]
	}
	return key
}

// CRC16 returns the CRC-16/XMODEM checksum of s: polynomial 0x1021, initial
// value 0, nothing reflected, nothing inverted.
func CRC16(s string) uint16 {
	var crc uint16
	for i := range len(s) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^s[i]]
	}
	return crc
}

// crcTable holds the CRC of each single byte. It is never written to.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
		t[i] = crc
	}
	return t
}()
