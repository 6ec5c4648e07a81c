package report

import (
	"encoding/json"
	"fmt"

	"github.com/onnxrun/onnxrun/finetune/metric"
)

// An Event is a line of a log: Start, Step, Skip, Epoch or End. Steps and epochs count from 1; an event belongs to the state
// after its step.
type Event interface {
	name() string
	step() int
}

// A Start opens a run, or a part of it that goes on after an interruption.
type Start struct {
	Step     int               `json:"step"` // 0, or the step that the run goes on from
	Seed     uint64            `json:"seed"`
	Steps    int               `json:"steps,omitempty"`  // planned; 0 where the number is open
	Epochs   int               `json:"epochs,omitempty"` // planned
	Settings map[string]string `json:"settings,omitempty"`
}

// A Step is one update of the parameters.
type Step struct {
	Step     int          `json:"step"`
	Epoch    int          `json:"epoch"` // the one that the step belongs to
	Loss     metric.Value `json:"loss"`  // mean over the step's samples, before the update
	Rate     metric.Value `json:"rate"`  // learning rate
	GradNorm metric.Value `json:"grad_norm"`
}

// A Skip is a step whose update was left out, such as one with a gradient that is not finite.
type Skip struct {
	Step   int    `json:"step"`
	Epoch  int    `json:"epoch"`
	Reason string `json:"reason"`
}

// An Epoch sums up one pass over the training samples.
type Epoch struct {
	Step    int                `json:"step"`
	Epoch   int                `json:"epoch"`
	Loss    metric.Value       `json:"loss"`     // training loss, mean over the epoch's samples
	ValLoss metric.Value       `json:"val_loss"` // undefined without validation samples
	Rate    metric.Value       `json:"rate"`
	Metrics map[string]float64 `json:"metrics,omitempty"` // on the validation samples
	Best    bool               `json:"best,omitempty"`    // no epoch before was better
	Seconds float64            `json:"seconds"`           // wall time of the epoch
}

// An End closes a run.
type End struct {
	Step    int                `json:"step"`
	Epoch   int                `json:"epoch"`
	Reason  string             `json:"reason"` // such as "finished", "early stop", "interrupted"
	Metrics map[string]float64 `json:"metrics,omitempty"`
	Seconds float64            `json:"seconds"` // wall time since Start
}

func (Start) name() string { return "start" }
func (Step) name() string  { return "step" }
func (Skip) name() string  { return "skip" }
func (Epoch) name() string { return "epoch" }
func (End) name() string   { return "end" }

func (e Start) step() int { return e.Step }
func (e Step) step() int  { return e.Step }
func (e Skip) step() int  { return e.Step }
func (e Epoch) step() int { return e.Step }
func (e End) step() int   { return e.Step }

// encode is the event as a line of JSON whose first field names it.
func encode(e Event) ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("report: event %s of step %d: %w", e.name(), e.step(), err)
	}
	text := make([]byte, 0, len(body)+24)
	text = append(text, `{"event":"`...)
	text = append(text, e.name()...)
	text = append(text, `",`...)
	text = append(text, body[1:]...)
	return append(text, '\n'), nil
}

// parse reads a line. An event of an unknown name, from a later version, is nil without an error.
func parse(text []byte) (Event, error) {
	var head struct {
		Event string `json:"event"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	switch head.Event {
	case "start":
		return read[Start](text)
	case "step":
		return read[Step](text)
	case "skip":
		return read[Skip](text)
	case "epoch":
		return read[Epoch](text)
	case "end":
		return read[End](text)
	case "":
		return nil, fmt.Errorf("report: a line of the log names no event")
	}
	return nil, nil
}

func read[E Event](text []byte) (Event, error) {
	var e E
	err := json.Unmarshal(text, &e)
	return e, err
}
