package train_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/train"
	"github.com/spinemask/spinemask/weights"
)

// Fine-tune the built-in model on a data set of one's own. A real run leaves the steps
// and the size to the recipe.
func Example() {
	set, err := dataset.Open("../testdata/nuclei_val.json", dataset.Options{Images: "../testdata/images"})
	check(err)
	file, err := nuclei.Weights() // or weights.Open("model.safetensors")
	check(err)
	config, _, err := file.Config(weights.Options{})
	check(err)
	start, err := train.From(config, file, config, set, 1)
	check(err)
	recipe := train.FineTune(len(set.Images))
	recipe.Steps, recipe.Batch, recipe.Height, recipe.Width = 2, 1, 128, 128
	trainer, err := train.New(start.Config, start, set, recipe, nil)
	check(err)
	check(trainer.Run(context.Background(), func(p train.Progress) error {
		fmt.Printf("step %d of %d, a loss with %d parts\n", p.Step, p.Steps, len(p.Losses))
		return nil
	}))
	var model bytes.Buffer // or a file
	check(trainer.WriteModel(&model, weights.Provenance{Source: "my labels"}))
	// Output:
	// step 1 of 2, a loss with 8 parts
	// step 2 of 2, a loss with 8 parts
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
