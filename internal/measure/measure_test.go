package measure

import (
	"errors"
	"math"
	"runtime"
	"testing"
	"time"
)

func TestSummarise(t *testing.T) {
	for _, tc := range []struct {
		times []float64
		want  Summary
	}{
		{nil, Summary{}},
		{[]float64{3}, Summary{3, 3, 3, 3, 1}},
		{[]float64{4, 1, 3, 2}, Summary{2.5, 1, 4, 2.5, 4}},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, Summary{5.5, 1, 9, 5.5, 10}},
	} {
		if got := Summarise(tc.times); got != tc.want {
			t.Errorf("%v: %+v, want %+v", tc.times, got, tc.want)
		}
	}
}

func TestRounds(t *testing.T) {
	n := 0
	times, err := Rounds(5, func() error {
		n++
		if n == 3 {
			return errors.New("stop")
		}
		return nil
	})
	if len(times) != 2 || err == nil || n != 3 {
		t.Errorf("%v %v after %d calls", times, err, n)
	}
}

func TestMemory(t *testing.T) {
	if now, peak := Resident(), PeakResident(); now <= 0 || peak < now*0.9 {
		t.Errorf("resident %v, peak %v", now, peak)
	}
}

// Work takes processor time, of the thread at most that of the process; sleep takes next to none.
func TestClocks(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, process := ThreadTime(), ProcessTime()
	begin, x := time.Now(), 1.0
	for time.Since(begin) < 20*time.Millisecond || ThreadTime() == thread {
		x = math.Sqrt(x + 1)
	}
	worked, all := ThreadTime()-thread, ProcessTime()-process
	if worked <= 0 || all < worked || worked > time.Since(begin) {
		t.Errorf("the thread took %v, the process %v (%g)", worked, all, x)
	}
	if runtime.GOOS != "linux" {
		t.Skipf("%s: the clocks are those of the wall", runtime.GOOS)
	}
	before := ThreadTime()
	time.Sleep(30 * time.Millisecond)
	if idle := ThreadTime() - before; idle > 15*time.Millisecond {
		t.Errorf("30 ms of sleep took %v of the processor", idle)
	}
}
