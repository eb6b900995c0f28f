// Package train trains the networks of this project on pictures with marked objects:
// from random weights, or on from those of a model that is there.
//
//	set, err := dataset.Open("labels", dataset.Options{})
//	...
//	file, err := weights.Open("model.safetensors")
//	...
//	start, err := train.From(c, file, c, set, 1) // c is the file's config
//	...
//	t, err := train.New(start.Config, start, set, train.FineTune(len(set.Images)), nil)
//	...
//	err = t.Run(ctx, func(p train.Progress) error { fmt.Println(p.Step, p.Losses["total_loss"]); return nil })
//	...
//	err = t.WriteModel(f, weights.Provenance{Source: "my labels"})
//
// Losses, targets, samplers, optimizers and the order of everything are those of
// TensorFlow's Model Garden (official/vision at 2.15.0), which the published models
// were trained with; tests compare whole steps with it. The network is the graph that
// inference runs: package internal/core/backprop goes through it both ways.
//
// The function given to Run is told of every step, and its error ends the run; so does ctx,
// within a layer's time, with the weights of the last whole step. WriteState keeps a run,
// Resume goes on with it.
//
// A run is repeatable to the last bit, whatever the number of threads, and may be
// stopped and gone on with at any step: all random numbers follow from the seed, the
// step and the image.
package train
