package random

import "testing"

// TestMT19937 compares with numpy 2.4: RandomState(seed).randint(0, 2**32, 2, uint32), and elements 0, 1 and 999 of
// RandomState(seed).random_sample(1000).
func TestMT19937(t *testing.T) {
	for _, c := range []struct {
		seed  uint32
		words [2]uint32
		units [3]float64
	}{
		{0, [2]uint32{2357136044, 2546248239}, [3]float64{0.5488135039273248, 0.7151893663724195, 0.6771411441114241}},
		{1, [2]uint32{1791095845, 4282876139}, [3]float64{0.417022004702574, 0.7203244934421581, 0.7744772660150796}},
		{42, [2]uint32{1608637542, 3421126067}, [3]float64{0.3745401188473625, 0.9507143064099162, 0.44600577295795574}},
		{5489, [2]uint32{3499211612, 581869302}, [3]float64{0.8147236863931789, 0.9057919370756192, 0.8667498969993187}},
		{2147483648, [2]uint32{652847386, 1439962116}, [3]float64{0.15200287353446562, 0.8205427554297966, 0.19107296818624575}},
		{4294967295, [2]uint32{419326371, 479346978}, [3]float64{0.0976320289940138, 0.9123828453026218, 0.556626859384112}},
	} {
		var m MT19937
		m.Seed(c.seed)
		for i, want := range c.words {
			if got := m.Uint32(); got != want {
				t.Errorf("seed %d: word %d is %d, want %d", c.seed, i, got, want)
			}
		}
		m.Seed(c.seed)
		var got [1000]float64
		for i := range got {
			got[i] = m.Float64()
		}
		for j, i := range []int{0, 1, 999} {
			if got[i] != c.units[j] {
				t.Errorf("seed %d: number %d is %v, want %v", c.seed, i, got[i], c.units[j])
			}
		}
	}
}
