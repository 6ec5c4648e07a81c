package privacy_test

import (
	"fmt"
	"log"

	"github.com/onnxrun/onnxrun/finetune/privacy"
)

// 15 epochs over 60000 records, of which each step takes 256 on average.
func ExampleAccountant() {
	steps := privacy.Phase{SampleRate: 256.0 / 60000, NoiseMultiplier: 1.1, Steps: 3516}
	for _, a := range []privacy.Accountant{privacy.RDP{}, privacy.PRV{}} {
		g, err := a.Epsilon(1e-5, steps)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %.3f\n", a.Name(), g.Epsilon)
	}
	// Output:
	// rdp: 1.281
	// prv: 1.144
}

// The noise that keeps as many steps within an epsilon of 1.
func ExampleNoiseMultiplier() {
	noise, err := privacy.NoiseMultiplier(privacy.PRV{}, 1, 1e-5, privacy.Phase{SampleRate: 256.0 / 60000, Steps: 3516})
	fmt.Printf("%.2f %v\n", noise, err)
	// Output: 1.19 <nil>
}

// A source with a key that is kept draws the same noise again.
func ExampleSource() {
	s, err := privacy.NewSource(make([]byte, privacy.KeySize))
	if err != nil {
		log.Fatal(err)
	}
	gradient := []float32{1, 2, 3}
	s.AddNormals(gradient, 0.5, 7)
	again := []float32{1, 2, 3}
	s.AddNormals(again, 0.5, 7)
	fmt.Println(gradient[0] == again[0], gradient[1] == again[1], gradient[2] == again[2])
	// Output: true true true
}
