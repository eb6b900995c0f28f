package features_test

import (
	"context"
	"fmt"
	"image"
	"log"

	"github.com/spinemask/spinemask/features"
	"github.com/spinemask/spinemask/models/nuclei"
)

func ExampleExtract() {
	model, err := nuclei.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	pyramid, err := features.Extract(context.Background(), model, image.NewGray(image.Rect(0, 0, 400, 300)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a picture of %d×%d pixels in an input of %d×%d\n",
		pyramid.PictureHeight, pyramid.PictureWidth, pyramid.InputHeight, pyramid.InputWidth)
	for i, m := range pyramid.Maps {
		fmt.Printf("P%d %v\n", pyramid.MinLevel+i, m.Shape())
	}
	// Output:
	// a picture of 480×640 pixels in an input of 640×640
	// P2 (160, 160, 64)
	// P3 (80, 80, 64)
	// P4 (40, 40, 64)
	// P5 (20, 20, 64)
	// P6 (10, 10, 64)
	// P7 (5, 5, 64)
}
