package tile_test

import (
	"context"
	"fmt"
	"log"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/tile"
)

// A picture that is larger than the model's input, in tiles that are seen in full resolution.
func ExampleSegment() {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	picture, err := spinemask.OpenImage("../testdata/images/538b7673d507014d.png", nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := tile.Segment(context.Background(), model.Segment, picture, tile.Options{Size: 400, Overlap: 100})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(result.Instances), "nuclei")
}

// Objects are shown at the size that the model was trained on, whatever that is in the picture.
func ExampleAuto() {
	model, err := nuclei.Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	picture, err := spinemask.OpenImage("../testdata/images/12f89395ad5d2149.png", nil)
	if err != nil {
		log.Fatal(err)
	}
	result, seen, err := tile.Auto(context.Background(), model.Segment, model.Config(), picture, tile.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("nuclei of %.0f pixels, %d of them\n", seen.Diameter, len(result.Instances))
	// Output: nuclei of 10 pixels, 71 of them
}
