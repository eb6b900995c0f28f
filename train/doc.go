// Package train trains the networks of this project.
package train
