package abi

// Op is the number of a host operation, the argument of the import
// `carrel:host/v1` `call`. Numbers are never reused.
type Op uint32

// The operations of version 1. Each speaks JSON unless its line says raw.
const (
	OpInput  Op = 0 // Invocation, raw: the invocation's bytes become the response buffer
	OpOutput Op = 1 // raw: the request buffer becomes the handler's answer (see Response)

	OpDataInsert  Op = 10 // InsertRequest -> document
	OpDataGet     Op = 11 // GetRequest -> document
	OpDataPatch   Op = 12 // WriteRequest -> document
	OpDataReplace Op = 13 // WriteRequest -> document
	OpDataDelete  Op = 14 // DeleteRequest -> {}
	OpDataQuery   Op = 15 // QueryRequest -> Page
	OpDataCount   Op = 16 // CountRequest -> CountResponse

	OpEventsEmit Op = 20 // EmitRequest -> IDResponse

	OpJobsSchedule Op = 30 // ScheduleRequest -> IDResponse
	OpJobsCancel   Op = 31 // IDRequest -> {}

	OpBillingEntitled Op = 40 // EntitledRequest -> EntitledResponse
	OpBillingRecord   Op = 41 // RecordRequest -> {}
	OpBillingPlan     Op = 42 // {} -> PlanResponse

	OpAccessGrant Op = 50 // AccessGrantRequest -> {}
	OpAccessCheck Op = 51 // AccessCheckRequest -> AccessCheckResponse

	OpSettingsGet Op = 60 // {} -> the settings object, without secrets

	OpLogWrite Op = 70 // LogRequest -> {}

	OpHTTPFetch Op = 80 // FetchRequest -> FetchResponse; actions only

	OpMutate Op = 90 // MutateRequest -> the job handler's answer; actions only

	OpMailSend Op = 100 // MailRequest -> MailResponse; actions only

	OpCryptoVerify Op = 110 // VerifyRequest -> VerifyResponse

	OpBlobPut Op = 120 // PutBlobRequest -> Blob, without its data
	OpBlobGet Op = 121 // GetBlobRequest -> Blob
)

// Status is the upper half of what `call` returns; the lower half is the
// length of the response in bytes.
const (
	StatusOK    = 0
	StatusError = 1 // the response is an Error
)

// Capability is a named group of operations. The manifest asks for it, the
// workspace grants it, and the host checks the grant at every call.
type Capability string

// The capabilities of version 1. Operations without one (input, output,
// settings, log, access.check, mutate, crypto.verify) are open to every
// installation.
const (
	CapabilityData    Capability = "data"
	CapabilityEvents  Capability = "events"
	CapabilityJobs    Capability = "jobs"
	CapabilityBilling Capability = "billing"
	CapabilityAccess  Capability = "access"
	CapabilityHTTP    Capability = "http"
	CapabilityMail    Capability = "mail"
	CapabilityBlobs   Capability = "blobs"
)
