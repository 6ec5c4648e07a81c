package mem

import (
	"os"
	"slices"
	"testing"
)

// TestCleanRanges looks for the parts of a program's file that can be read again.
func TestCleanRanges(t *testing.T) {
	const maps = `00400000-00bdc000 r-xp 00000000 fe:00 10076345                           /bin/program
Rss:                5740 kB
Anonymous:             0 kB
00bdc000-0131a000 r--p 007dc000 fe:00 10076345                           /bin/program
Anonymous:             4 kB
0131a000-0135e000 rw-p 00f1a000 fe:00 10076345                           /bin/program
Anonymous:             0 kB
0135e000-01360000 r--p 00f1a000 fe:00 10076345                           /bin/program
Anonymous:             0 kB
5bc70400000-5bc70e00000 r--p 00000000 00:00 0                            /other/bin/program
Anonymous:             0 kB
7fff0000-7fff1000 r--p 00000000 00:00 0
Anonymous:             0 kB
`
	want := [][2]uintptr{{0x400000, 0xbdc000}, {0x135e000, 0x1360000}}
	if got := cleanRanges([]byte(maps), "/bin/program"); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestReleaseProgram goes on after the program's pages are gone, of which there are some.
func TestReleaseProgram(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("no list of mappings: %v", err)
	}
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Skipf("no path of the program: %v", err)
	}
	if len(cleanRanges(maps, name)) == 0 {
		t.Error("the program has no pages that can be given back")
	}
	ReleaseProgram()
}
