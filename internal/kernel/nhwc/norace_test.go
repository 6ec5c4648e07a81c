//go:build !race

package nhwc

const raceEnabled = false
