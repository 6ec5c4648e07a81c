package main

import (
	"fmt"
	"slices"

	"github.com/onnxrun/onnxrun/finetune"
)

// A planLayer is a row of the plan.
type planLayer struct {
	Node     string       `json:"node"`
	Op       string       `json:"op"`
	Kind     string       `json:"kind"`
	Distance int          `json:"distance"`
	Weights  []planWeight `json:"weights"`
}

type planWeight struct {
	Name   string `json:"name"`
	Shape  []int  `json:"shape"`
	DType  string `json:"dtype"`
	Uses   int    `json:"uses"`
	Trains bool   `json:"trains"`
	Frozen string `json:"frozen,omitempty"`
}

// showPlan prints the layers of the model and what would train.
func (j *job) showPlan() error {
	layers, err := finetune.Layers(j.file.Model)
	if err != nil {
		return err
	}
	chosen, err := finetune.Select(layers, j.tuner.train)
	if err != nil {
		return err
	}
	plan, trained, all := planOf(layers, chosen)
	out := j.cmd.OutOrStdout()
	if j.json {
		return printJSON(out, map[string]any{"schema": 1, "layers": plan, "parameters": all, "trained": trained})
	}
	t := &table{}
	t.row("LAYER", "OPERATOR", "DISTANCE", "WEIGHT", "SHAPE", "TRAINS")
	for _, l := range plan {
		for i, w := range l.Weights {
			node, op, distance := l.Node, l.Op, fmt.Sprint(l.Distance)
			if i > 0 {
				node, op, distance = "", "", ""
			}
			trains := "no"
			switch {
			case w.Trains && w.Uses > 1:
				trains = fmt.Sprintf("yes, tied: %d uses", w.Uses)
			case w.Trains:
				trains = "yes"
			case w.Frozen != "":
				trains = "no: " + w.Frozen
			}
			t.row(node, op, distance, w.Name, fmt.Sprint(w.Shape), trains)
		}
	}
	if err := t.print(out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d of %d parameters train\n", trained, all)
	return err
}

func planOf(layers []*finetune.Layer, chosen []*finetune.Weight) (plan []planLayer, trained, all int) {
	seen := map[string]bool{}
	for _, l := range layers {
		p := planLayer{Node: l.Node, Op: l.Op, Kind: string(l.Kind), Distance: l.Distance, Weights: []planWeight{}}
		for _, w := range l.Weights {
			trains := slices.Contains(chosen, w)
			p.Weights = append(p.Weights, planWeight{w.Name, append([]int{}, w.Shape...), w.DType.String(), w.Uses, trains, w.Frozen})
			if seen[w.Name] {
				continue
			}
			seen[w.Name] = true
			all += w.Shape.Len()
			if trains {
				trained += w.Shape.Len()
			}
		}
		plan = append(plan, p)
	}
	return plan, trained, all
}
