// Package s3test starts an S3 of the tests' own, in memory, behind real HTTP.
package s3test
