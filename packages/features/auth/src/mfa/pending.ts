/** How long a sign-in waits for its second factor. */
export const MFA_PENDING_SECONDS = 300
