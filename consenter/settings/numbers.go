package settings

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func duration(lowest, highest time.Duration) rule {
	want := fmt.Sprintf("a duration with its unit, such as 500ms or 5s, of at least %s and at most %.0fh", lowest, highest.Hours())
	return typed(want, func(raw any) (time.Duration, bool) {
		s, _ := raw.(string)
		d, err := time.ParseDuration(strings.TrimSpace(s))
		return d, err == nil && d >= lowest && d <= highest
	})
}

func number(lowest, highest int64) rule {
	return typed(fmt.Sprintf("a whole number from %d to %d", lowest, highest), func(raw any) (int64, bool) {
		n, ok := integer(raw)
		return n, ok && n >= lowest && n <= highest
	})
}

func byteSize(lowest int64) rule {
	want := fmt.Sprintf("a number of bytes from %d to %d, such as 1048576 or 1 MB", lowest, math.MaxInt32)
	return typed(want, func(raw any) (int64, bool) {
		n, ok := bytesOf(raw)
		return n, ok && n >= lowest && n <= math.MaxInt32
	})
}

func fraction() rule {
	return typed("a number from 0 to 1", func(raw any) (float64, bool) {
		f, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(raw)), 64)
		return f, err == nil && f >= 0 && f <= 1
	})
}

func flag() rule {
	return typed("true or false", func(raw any) (bool, bool) {
		switch strings.ToLower(strings.TrimSpace(fmt.Sprint(raw))) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
		return false, false
	})
}

// integer returns a whole number, which may be given as text.
func integer(raw any) (int64, bool) {
	switch v := raw.(type) {
	case int:
		return int64(v), true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// sizePattern matches what the orderer accepts for its own byte sizes.
var sizePattern = regexp.MustCompile(`^([0-9]{1,10}) *([kmg]?)b?$`)

// bytesOf returns a number of bytes, which may have a unit; 1 KB is 1024.
func bytesOf(raw any) (int64, bool) {
	s, ok := raw.(string)
	if !ok {
		return integer(raw)
	}
	part := sizePattern.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if part == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(part[1], 10, 64)
	shift := map[string]int{"": 0, "k": 10, "m": 20, "g": 30}[part[2]]
	return n << shift, err == nil
}
