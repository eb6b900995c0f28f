package loss

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// All cases of the fixture: the Garden's losses and their gradients, run in float64
// (tf-models-official 2.15.0).
func TestLossesAreTheGardens(t *testing.T) {
	folder := testutil.Shared(t, "fixtures", "tf2_training")
	for _, c := range testutil.Cases(t, folder, "losses") {
		t.Run(c.Name+" "+c.Note, func(t *testing.T) {
			var a struct {
				SamplesPerImage float64   `json:"samples_per_image"`
				Delta           float64   `json:"delta"`
				ClassWeights    []float64 `json:"class_weights"`
				Binary          bool      `json:"use_binary_cross_entropy"`
				TopK            float64   `json:"top_k_percent"`
				Agnostic        bool      `json:"class_agnostic"`
				Alpha           float64   `json:"alpha"`
				Gamma           float64   `json:"gamma"`
				Classes         int       `json:"classes"`
				LabelSmoothing  float64   `json:"label_smoothing"`
				L2              float64   `json:"l2_weight_decay"`
				Target          float64   `json:"target"`
				BoxWeight       float64   `json:"box_loss_weight"`
			}
			require.NoError(t, json.Unmarshal(c.Args, &a))
			a.Delta = float64(float32(a.Delta)) // as TensorFlow makes of a Python number
			value := func(name string, got float64) {
				testutil.RequireClose(t, c.Out(t, "value_"+name+"64").Data, []float32{float32(got)}, 2e-6, name)
			}
			gradient := func(name string, got []float32, tolerance float64) {
				testutil.RequireClose(t, c.Out(t, "grad_"+name+"64").Data, got, tolerance, name)
			}
			switch c.Op {
			case "rpn_score_loss":
				sum := 0.0
				labels := c.Levels("labels")
				for i, logits := range c.Levels("score") {
					grad := make([]float32, len(logits.Data))
					sum += RPNScore(logits.Data, int8s(labels[i]), float64(logits.Shape[0])*a.SamplesPerImage, grad)
					gradient(fmt.Sprintf("loss_score_%d", 3+i), grad, 2e-6)
				}
				value("loss", sum)
			case "rpn_box_loss":
				sum := 0.0
				targets := c.Levels("targets")
				for i, deltas := range c.Levels("box") {
					grad := make([]float32, len(deltas.Data))
					sum += RPNBox(deltas.Data, targets[i].Data, a.Delta, RPNMatched(targets[i].Data), grad)
					gradient(fmt.Sprintf("loss_box_%d", 3+i), grad, 2e-6)
				}
				value("loss", sum)
			case "frcnn_class_loss":
				logits := c.In(t, "logits")
				grad := make([]float32, len(logits.Data))
				value("loss", Class(logits.Data, c.In(t, "class_targets").Ints(), logits.Shape[2], ClassOptions{a.Binary, a.ClassWeights, a.TopK}, grad))
				gradient("loss_logits", grad, 2e-6)
			case "frcnn_box_loss":
				out := c.In(t, "box_outputs").Data
				grad := make([]float32, len(out))
				value("loss", Box(out, c.In(t, "box_targets").Data, c.In(t, "class_targets").Ints(), a.Delta, a.Agnostic, grad))
				gradient("loss_box_outputs", grad, 2e-6)
			case "mask_loss":
				out := c.In(t, "mask_outputs").Data
				grad := make([]float32, len(out))
				value("loss", Mask(out, c.In(t, "mask_targets").Data, c.In(t, "class_targets").Ints(), grad))
				gradient("loss_mask_outputs", grad, 2e-6)
			case "retinanet_losses":
				normalizer := 1.0
				boxWeights, classWeights := c.In(t, "box_weights"), c.In(t, "cls_weights")
				for _, w := range boxWeights.Data {
					normalizer += float64(w)
				}
				classLoss, boxLoss, first := 0.0, 0.0, 0
				targets, boxes, boxTargets := c.Levels("cls_targets"), c.Levels("box"), c.Levels("box_targets")
				for i, logits := range c.Levels("cls") {
					items := logits.Shape[0]
					each := len(targets[i].Data) / items
					class, matched := int16s(targets[i]), make([]int16, len(targets[i].Data))
					for item := range items { // weights are in the order of levels, for each image
						for k := range each {
							at := item*boxWeights.Shape[1] + first + k
							if classWeights.Data[at] == 0 {
								class[item*each+k] = -2
							}
							matched[item*each+k] = int16(boxWeights.Data[at]) - 1
						}
					}
					first += each
					grad := make([]float32, len(logits.Data))
					classLoss += Focal(logits.Data, class, a.Classes, a.Alpha, a.Gamma, normalizer, grad)
					gradient(fmt.Sprintf("cls_cls_%d", 3+i), grad, 1e-5)
					grad = make([]float32, len(boxes[i].Data))
					boxLoss += RetinaBox(boxes[i].Data, boxTargets[i].Data, matched, a.Delta, normalizer, grad)
					gradient(fmt.Sprintf("box_box_%d", 3+i), grad, 1e-5)
				}
				value("cls", classLoss)
				value("box", boxLoss)
				value("model", classLoss+a.BoxWeight*boxLoss)
			case "classification_loss":
				logits := c.In(t, "logits")
				grad := make([]float32, len(logits.Data))
				value("loss", Classification(logits.Data, c.In(t, "labels").Ints(), a.Classes, a.LabelSmoothing, grad))
				gradient("loss_logits", grad, 2e-6)
			case "l2":
				kernel := c.In(t, "kernel").Data
				grad := make([]float32, len(kernel))
				value("loss", L2(kernel, a.L2, grad))
				gradient("loss_kernel", grad, 2e-6)
			case "huber", "sigmoid_cross_entropy":
				f := func(x float64) (float64, float64) { return huber(x, a.Delta) }
				name := "error"
				if c.Op != "huber" {
					f = func(x float64) (float64, float64) { return crossEntropy(x, float64(float32(a.Target))) }
					name = "logits"
				}
				var values, slopes []float32
				for _, x := range c.In(t, name).Data {
					v, d := f(float64(x))
					values, slopes = append(values, float32(v)), append(slopes, float32(d))
				}
				testutil.RequireClose(t, c.Out(t, "values").Data, values, 2e-6)
				scale := c.Out(t, "grad_loss_"+name+"64").Data // of the mean, or the sum
				testutil.RequireClose(t, scale, slopes, 2e-6)
			default:
				t.Fatal("unknown")
			}
		})
	}
}

func int16s(x testutil.Tensor) []int16 {
	out := make([]int16, len(x.Data))
	for i, v := range x.Data {
		out[i] = int16(v)
	}
	return out
}

func int8s(x testutil.Tensor) []int8 {
	out := make([]int8, len(x.Data))
	for i, v := range x.Data {
		out[i] = int8(v)
	}
	return out
}

// Gradients against central differences, and rows that do not count, without the
// fixture.
func TestGradientsOfLosses(t *testing.T) {
	z := []float32{0.5, -1.25, 3, 0.25, -0.75, 2, 1.5, -0.5, 0.125, -2, 0.75, 1}
	for name, f := range map[string]func(z, grad []float32) float64{
		"rpn score": func(z, g []float32) float64 {
			return RPNScore(z, []int8{1, 0, -1, 0, 1, -1, 0, 0, 1, 0, -1, 1}, 512, g)
		},
		"rpn box": func(z, g []float32) float64 {
			targets := []float32{0.5, -1, 2.99, 0.2, 0, 0, 0, 0, 0, -2, 0.5, 0.9}
			return RPNBox(z, targets, RPNBoxDelta, RPNMatched(targets), g)
		},
		"class":   func(z, g []float32) float64 { return Class(z, []int{0, 2, 1}, 4, ClassOptions{}, g) },
		"sigmoid": func(z, g []float32) float64 { return Class(z, []int{0, 2, 1}, 4, ClassOptions{Sigmoid: true}, g) },
		"box": func(z, g []float32) float64 {
			return Box(z, []float32{0, 1, 1.5, 3, 1, 1, 1, 1, 0, 0, 0, 0.5}, []int{1, 0, 1}, 1, true, g)
		},
		"mask":  func(z, g []float32) float64 { return Mask(z, make([]float32, 12), []int{0, 2, 1}, g) },
		"focal": func(z, g []float32) float64 { return Focal(z, []int16{1, -1, -2}, 4, 0.25, 1.5, 3, g) },
		"retina box": func(z, g []float32) float64 {
			return RetinaBox(z, []float32{0.45, -1.3, 4, 0, 9, 9, 9, 9, 0, -2, 0.7, 1}, []int16{1, -1, 3}, 0.1, 3, g)
		},
		"classification": func(z, g []float32) float64 { return Classification(z, []int{3, 0, 1}, 4, 0.1, g) },
	} {
		t.Run(name, func(t *testing.T) {
			grad, none := make([]float32, len(z)), make([]float32, len(z))
			for i := range grad {
				grad[i] = float32(math.NaN()) // every element is set
			}
			f(z, grad)
			for i := range z {
				const e = 1. / 1024
				moved := append([]float32(nil), z...)
				moved[i] += e
				up := f(moved, none)
				moved[i] -= 2 * e
				require.InDelta(t, (up-f(moved, none))/(2*e), grad[i], 2e-6, "element %d", i)
			}
		})
	}
}
