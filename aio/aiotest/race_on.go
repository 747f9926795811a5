//go:build race

package aiotest

// raceDetector makes the largest cases smaller.
const raceDetector = true
